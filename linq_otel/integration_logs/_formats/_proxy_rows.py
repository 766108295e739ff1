"""
Access logs of proxies and servers: Caddy, Envoy, nginx, Apache, mitmproxy, pino, Cloudflare.

Each names host and path apart, and most write the moment a call was over: what is a number there
is moved back by the duration. Calls to a CRM are HTTPS, also where the leg to the proxy was not.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import IO, TYPE_CHECKING, Any, Final, cast

from linq_otel.integration_logs._findings import UnusableError

from ._found import Found


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


_Row = dict[str, Any]
_DASH: Final = "-"
_STEPS: Final = (1, 1_000, 1_000_000, 1_000_000_000)
_YEAR_5138: Final = 100_000_000_000
_PORTS: Final = {"http": 80, "https": 443}
# [start] "METHOD path protocol" code flags (Istio's details) received sent duration upstream's
# "forwarded for" "agent" "request id" "authority"
_ENVOY: Final = re.compile(
    r'\[([^\]]{10,40})\] "(\S+) (\S+) [^"]*" (\d{1,3}) (\S+) (?:\S+ \S+ "[^"]*" )?'
    r'(\d+|-) (\d+|-) (\d+|-) (?:\d+|-) "'
    r'[^"]*" "[^"]*" "([^"]*)" "([^"]*)"'
)
# host:port client - user [time] "METHOD path protocol" status size; the rest as it may be.
_COMMON: Final = re.compile(
    r'(?:([\w.-]+?)(?::\d+)? )?\S+ \S+ \S+ \[([^\]]{10,40})\] "([A-Z]+) (\S+)(?: HTTP/[\d.]+)?" '
    r"(\d{3}|-) (?:\d+|-)(.*)",
    re.ASCII,
)
_TOOK: Final = re.compile(r"\b(?:rt|request_time|urt)=\"?(\d+\.\d+)", re.ASCII)


def detect_proxy_line(line: str) -> str | None:
    """
    Return whose access log *line* is from; None if it is from none.
    """
    if _ENVOY.match(line):
        return "envoy"
    return "nginx" if _COMMON.fullmatch(line) else None


def read_proxy_lines(stream: IO[str], name: str) -> Iterator[Found]:
    """
    Read an access log that is no JSON.
    """
    for number, line in enumerate(stream, start=1):
        text = line.strip()
        if not text:
            continue
        found = _read_envoy_line(text) if name == "envoy" else _read_common_line(text)
        if found is None:
            yield Found(number, name, {}, UnusableError("", f"is no line of a log of {name}"))
        else:
            yield Found(number, name, found)


def translate(rows: Iterable[Found], name: str | None) -> Iterator[Found]:
    """
    Put rows of proxies under the names of a row.

    Args:
        rows: As they were read from JSON.
        name: Whose log it is; told by the names of each row if None.
    """
    for found in rows:
        if found.error is None and (name is not None or "url" not in found.fields):
            told = name or _recognise(found.fields)
            if told is not None:
                yield Found(found.line, told, _TRANSLATORS[told](cast("_Row", found.fields)))
                continue
        yield found


def _recognise(row: Mapping[str, object]) -> str | None:
    request = row.get("request")
    if isinstance(request, dict):
        if "uri" in request and "host" in request:
            return "caddy"
        return "mitmproxy" if "path" in request and "host" in request else None
    if isinstance(row.get("req"), dict) and ("res" in row or "responseTime" in row):
        return "pino"
    if "ClientRequestHost" in row:
        return "cloudflare"
    is_timed = any(name in row for name in ("time_local", "time_iso8601", "msec"))
    if is_timed or ("request_method" in row and ("request_uri" in row or "uri" in row)):
        return "nginx"
    is_envoy = "response_code" in row and ("path" in row or ":path" in row)
    return "envoy" if is_envoy else None


def _caddy(row: _Row) -> _Row:
    request = _object(row.get("request"))
    took = _ms(row.get("duration"), 1_000)
    return {
        "method": request.get("method"),
        "url": _url("https", request.get("host"), request.get("uri")),
        "status": row.get("status"),
        "timestamp": _start(row.get("ts"), took),
        "duration_ms": took,
        "requestHeaders": request.get("headers"),
        "responseHeaders": row.get("resp_headers"),
    }


def _mitmproxy(row: _Row) -> _Row:
    request, response = _object(row.get("request")), _object(row.get("response"))
    began, ended = request.get("timestamp_start"), response.get("timestamp_end")
    scheme = str(request.get("scheme") or "https")
    host, port = request.get("pretty_host") or request.get("host"), request.get("port")
    if isinstance(port, int) and port != _PORTS.get(scheme) and host:
        host = f"{host}:{port}"
    return {
        "id": row.get("id"),
        "method": request.get("method"),
        "url": _url(scheme, host, request.get("path")),
        "status": response.get("status_code"),
        "timestamp": _start(began, None),
        "duration_ms": _between(began, ended),
        "requestHeaders": request.get("headers"),
        "responseHeaders": response.get("headers"),
        "requestBody": _first_of(request, "text", "content"),
        "responseBody": _first_of(response, "text", "content"),
    }


def _pino(row: _Row) -> _Row:
    request, response = _object(row.get("req")), _object(row.get("res"))
    headers = _object(request.get("headers"))
    host = _first_of(headers, "host", "Host", ":authority") or _first_of(
        request, "hostname", "host"
    )
    took = _ms(row.get("responseTime"), 1)
    return {
        "method": request.get("method"),
        "url": _url("https", host, request.get("url")),
        "status": response.get("statusCode"),
        "timestamp": _start(row.get("time"), took),
        "duration_ms": took,
        "requestHeaders": headers or None,
        "responseHeaders": response.get("headers"),
        "requestBody": request.get("body"),
        "responseBody": response.get("body"),
    }


def _cloudflare(row: _Row) -> _Row:
    began, ended = row.get("EdgeStartTimestamp"), row.get("EdgeEndTimestamp")
    return {
        "id": row.get("RayID"),
        "method": row.get("ClientRequestMethod"),
        "url": _url(
            str(row.get("ClientRequestScheme") or "https"),
            row.get("ClientRequestHost"),
            _first_of(row, "ClientRequestURI", "ClientRequestPath"),
        ),
        "status": _first_of(row, "EdgeResponseStatus", "OriginResponseStatus"),
        "timestamp": began,
        "duration_ms": _between(began, ended) or row.get("OriginResponseDurationMs"),
    }


def _nginx(row: _Row) -> _Row:
    method, uri = row.get("request_method"), row.get("request_uri")
    line = row.get("request")
    if isinstance(line, str) and line.count(" ") >= 1:
        method, uri = method or line.split()[0], uri or line.split()[1]
    if uri is None and isinstance(row.get("uri"), str):
        uri = row["uri"] + (f"?{row['args']}" if row.get("args") not in {None, "", _DASH} else "")
    host = _first_of(row, "proxy_host", "upstream_host", "http_host", "host", "server_name")
    took = _ms(_first_of(row, "request_time", "upstream_response_time"), 1_000)
    number = _start(_first_of(row, "msec"), took)
    return {
        "id": row.get("request_id"),
        "method": method,
        "url": _url("https", host, uri),
        "status": row.get("status"),
        "timestamp": number
        or _first_of(row, "time_iso8601", "time_local", "timestamp", "@timestamp", "time"),
        "duration_ms": took,
        "requestBody": _first_of(row, "request_body"),
        "responseBody": _first_of(row, "resp_body", "response_body"),
    }


def _envoy(row: _Row) -> _Row:
    path = _first_of(row, "x_envoy_original_path", "path", ":path")
    code = _first_of(row, "response_code", "responseCode")
    return {
        "id": _first_of(row, "request_id", "x_request_id"),
        "method": _first_of(row, "method", ":method"),
        "url": _url("https", _first_of(row, "authority", ":authority", "host"), path),
        "status": code,
        "timestamp": _first_of(row, "start_time", "startTime", "timestamp"),
        "duration_ms": _ms(row.get("duration"), 1),
        "error": row.get("response_flags") if code in {0, "0"} else None,
    }


_TRANSLATORS: Final[dict[str, Callable[[_Row], _Row]]] = {
    "caddy": _caddy,
    "cloudflare": _cloudflare,
    "envoy": _envoy,
    "mitmproxy": _mitmproxy,
    "nginx": _nginx,
    "pino": _pino,
}


def _read_envoy_line(line: str) -> _Row | None:
    match = _ENVOY.match(line)
    if match is None:
        return None
    start, method, path, code, flags, _, _, took, request_id, authority = match.groups()
    return _envoy(
        {"start_time": start, "method": method, "path": path, "response_code": code,
         "response_flags": flags, "duration": took, "request_id": request_id,
         "authority": authority}
    )  # fmt: skip


def _read_common_line(line: str) -> _Row | None:
    match = _COMMON.fullmatch(line)
    if match is None:
        return None
    host, time, method, uri, status, rest = match.groups()
    took = _TOOK.search(rest)
    return _nginx(
        {"http_host": host, "time_local": time, "request_method": method, "request_uri": uri,
         "status": status, "request_time": took[1] if took else None}
    )  # fmt: skip


def _object(value: object) -> _Row:
    return cast("_Row", value) if isinstance(value, dict) else {}


def _first_of(row: _Row, *names: str) -> Any:
    for name in names:
        value = row.get(name)
        if value is not None and value not in ("", _DASH):
            return value
    return None


def _url(scheme: str, host: object, path: object) -> object:
    if not isinstance(path, str) or "://" in path.partition("?")[0]:
        return path
    if isinstance(host, list):
        host = cast("list[object]", host)[0] if host else None
    return f"{scheme}://{host}{path}" if isinstance(host, str) and host else path


def _decimal(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _ms(value: object, factor: int) -> object:
    """
    Return a number of seconds or milliseconds as milliseconds; text with its own unit as it is.
    """
    number = _decimal(value)
    if number is None:
        return None if value in {None, _DASH} else value
    return float(number * factor)


def _start(ended: object, took: object) -> object:
    """
    Return the microsecond a call began, told by the number at which it ended; else as it is.
    """
    number = _decimal(ended)
    if number is None:
        return ended
    ms = Decimal(str(took)) if isinstance(took, float) else Decimal(0)
    return int(number * 1_000_000 / _per_second(number) - ms * 1_000)


def _per_second(since_1970: Decimal) -> int:
    return next((step for step in _STEPS if since_1970 < _YEAR_5138 * step), _STEPS[-1])


def _between(began: object, ended: object) -> float | None:
    first, last = _decimal(began), _decimal(ended)
    if first is not None and last is not None:
        return max(0.0, float((last - first) * 1_000 / _per_second(last)))
    if not isinstance(began, str) or not isinstance(ended, str):
        return None
    try:
        start, end = (datetime.fromisoformat(one.replace("Z", "+00:00")) for one in (began, ended))
        return max(0.0, (end - start) / timedelta(milliseconds=1))
    except (ValueError, TypeError):
        return None
