"""
Access logs of proxies, and columns that are joined.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from linq_otel.errors import ConfigurationError
from support.log_rows import GHL, INBOUND, ns, read_text


HOST = "services.leadconnectorhq.com"
PATH = "/conversations/messages/inbound"
START = ns("2025-11-04T16:02:11.482Z")
WHOLE_SECOND = ns("2025-11-04T16:02:11Z")
ENDED = 1_762_272_131.6
CADDY: dict[str, Any] = {
    "level": "info", "ts": ENDED, "logger": "http.log.access", "msg": "handled request",
    "request": {"remote_ip": "192.0.2.1", "proto": "HTTP/2.0", "method": "POST", "host": HOST,
                "uri": PATH, "headers": {"Version": ["v3"]}, "tls": {"version": 772}},
    "bytes_read": 10, "duration": 0.118, "size": 51, "status": 201,
    "resp_headers": {"X-Ratelimit-Remaining": ["97"]},
}  # fmt: skip
ENVOY: dict[str, Any] = {
    "start_time": "2025-11-04T16:02:11.482Z", "method": "POST", "path": PATH, "protocol": "HTTP/2",
    "response_code": 201, "response_flags": "-", "duration": 118, "authority": HOST,
    "request_id": "cc21d9b0-cf5c-432b-8c7e-98aeb7988cd2", "upstream_host": "192.0.2.1:443",
}  # fmt: skip
NGINX: dict[str, Any] = {
    "msec": f"{ENDED:.3f}", "request_method": "POST", "request_uri": PATH, "host": HOST,
    "status": "201", "request_time": "0.118", "remote_addr": "192.0.2.1",
}  # fmt: skip
MITMPROXY: dict[str, Any] = {
    "id": "f1", "type": "http",
    "request": {"method": "POST", "scheme": "https", "host": HOST, "port": 443, "path": PATH,
                "headers": [["Version", "v3"]], "timestamp_start": 1_762_272_131.482},
    "response": {"status_code": 201, "headers": [["X-Ratelimit-Remaining", "97"]],
                 "timestamp_start": 1_762_272_131.59, "timestamp_end": ENDED},
}  # fmt: skip
PINO: dict[str, Any] = {
    "level": 30, "time": 1_762_272_131_600, "pid": 1, "hostname": "app-1",
    "req": {"id": 1, "method": "POST", "url": PATH, "headers": {"host": HOST, "version": "v3"},
            "remoteAddress": "192.0.2.1"},
    "res": {"statusCode": 201, "headers": {"x-ratelimit-remaining": "97"}},
    "responseTime": 118, "msg": "request completed",
}  # fmt: skip
CLOUDFLARE: dict[str, Any] = {
    "ClientRequestHost": HOST, "ClientRequestMethod": "POST", "ClientRequestURI": PATH,
    "ClientRequestScheme": "https", "EdgeResponseStatus": 201, "RayID": "8f1a2b3c4d5e6f70",
    "EdgeStartTimestamp": 1_762_272_131_482_000_000, "EdgeEndTimestamp": 1_762_272_131_600_000_000,
}  # fmt: skip
LOGS = {
    "caddy": CADDY, "envoy": ENVOY, "nginx": NGINX, "mitmproxy": MITMPROXY, "pino": PINO,
    "cloudflare": CLOUDFLARE,
}  # fmt: skip
ENVOY_LINE = (
    f'[2025-11-04T16:02:11.482Z] "POST {PATH} HTTP/2" 201 - 154 51 118 100 "192.0.2.1" "linq/1" '
    f'"cc21d9b0-cf5c-432b-8c7e-98aeb7988cd2" "{HOST}" "192.0.2.2:443"\n'
)
COMBINED = (
    f'192.0.2.1 - - [04/Nov/2025:16:02:11 +0000] "POST {PATH} HTTP/1.1" 201 51 "-" "linq/1"\n'
)


class TestProxies:
    @pytest.mark.parametrize("name", LOGS)
    def test_is_read(self, name: str) -> None:
        """Host and path make a URL, seconds are seconds, and the start is when the call began."""
        for text in (json.dumps(LOGS[name]), json.dumps([LOGS[name]] * 1, indent=1)):
            for options in ({}, {"format": name}):
                entry = read_text(text + "\n", **options).entry
                assert (entry.place.format, entry.method, entry.target.url, entry.status) == (
                    name,
                    "POST",
                    INBOUND,
                    201,
                )
                assert (entry.moment.unix_ns, entry.duration_ms) == (START, 118.0)
                assert "192.0.2.1" not in str(entry.to_dict())

    @pytest.mark.parametrize("name", ["caddy", "mitmproxy", "pino"])
    def test_headers(self, name: str) -> None:
        """Headers that a proxy keeps are read."""
        entry = read_text(json.dumps(LOGS[name])).entry
        assert (entry.request.headers, entry.rate_limit.remaining) == ({"version": ("v3",)}, 97)

    def test_lines(self) -> None:
        """The lines that Envoy, nginx and Apache write by default are read."""
        entry = read_text(ENVOY_LINE * 2).entries[1]
        assert (entry.target.url, entry.moment.unix_ns, entry.duration_ms) == (INBOUND, START, 118)
        for text, options in ((COMBINED, {"base_url": GHL}), (f"{HOST}:443 {COMBINED}", {})):
            entry = read_text(text, **options).entry
            assert (entry.place.format, entry.target.url, entry.status, entry.moment.unix_ns) == (
                "nginx",
                INBOUND,
                201,
                WHOLE_SECOND,
            )
        found = read_text(f"{COMBINED}garbage\n", base_url=GHL)
        assert found.rejects == [(2, "", "is no line of a log of nginx")]

    def test_other_times(self) -> None:
        """A time in words is kept as it stands, and a duration with its unit."""
        caddy = {**CADDY, "ts": "2025-11-04T16:02:11.482Z", "duration": "118ms"}
        entry = read_text(json.dumps(caddy)).entry
        assert (entry.moment.unix_ns, entry.duration_ms) == (START, 118.0)


class TestJoinedColumns:
    def test_json(self) -> None:
        """Fields of any log are joined, and lead into objects by dots."""
        text = json.dumps(
            {"meta": {"host": HOST}, "path": PATH, "verb": "POST", "code": 201, "day": "2025-11-04",
             "clock": "16:02:11.482", "took": 0.118}
        )  # fmt: skip
        columns = {
            "https://{meta.host}{path}": "url",
            "{day}T{clock}Z": "timestamp",
            "{took}s": "duration_ms",
        }
        entry = read_text(text, columns=columns).entry
        assert (entry.target.url, entry.moment.unix_ns) == (INBOUND, START)
        assert (entry.status, entry.duration_ms) == (201, 118.0)

    def test_csv(self) -> None:
        """Columns of a table are joined too."""
        text = f"Verb,Host,Path,Day,Clock,Status\nPOST,{HOST},{PATH},2025-11-04,16:02:11,201\n"
        columns = {"https://{host}{path}": "url", "{Day} {Clock} UTC": "timestamp"}
        entry = read_text(text, columns=columns, format="csv").entry
        assert (entry.target.url, entry.moment.unix_ns) == (INBOUND, WHOLE_SECOND)

    def test_no_such_field(self) -> None:
        """An unknown field is refused."""
        with pytest.raises(ConfigurationError, match="'Fecha' is mapped to 'zeit', which is no"):
            read_text("", columns={"Fecha": "zeit"})
