"""
Where one signal goes: endpoint, protocol, headers and compression, each with who decided it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from linq_otel._backends import DEFAULT_PROTOCOL, PROTOCOLS
from linq_otel.errors import ConfigurationError

from ._endpoints import check_protocol, find_protocol, parse_endpoint, signal_url
from ._keys import check_key, find_headers, find_key_headers
from ._variables import ENDPOINT, PROTOCOL, REGION, Found, endpoint_of, find_exporter_variable
from ._wishes import Wishes


if TYPE_CHECKING:
    from collections.abc import Mapping
    from urllib.parse import SplitResult

    from linq_otel._backends import Backend, Protocol, Signal


Compression: TypeAlias = Literal["none", "gzip", "deflate"]
_COMPRESSIONS: Final[Mapping[str, Compression]] = {"none": "none", "gzip": "gzip"}


@dataclass(frozen=True, slots=True)
class Target:
    """
    Where one signal goes, and by what words of whose that was decided.

    Attributes:
        url: The whole URL for HTTP, scheme, host and port for gRPC.
        endpoint_from: Who named the endpoint: an argument, a variable, the backend.
        protocol_from: The same of the protocol.
        has_code: False if variables alone decided it, so that advice names variables alone.
    """

    signal: Signal
    backend: Backend
    protocol: Protocol
    url: str
    headers: Mapping[str, str] = field(repr=False)
    compression: Compression
    endpoint_from: str
    protocol_from: str
    has_code: bool = True


@dataclass(frozen=True, slots=True)
class _Place:
    url: SplitResult
    is_full: bool
    endpoint_from: str
    protocol: Protocol
    protocol_from: str


@dataclass(frozen=True, slots=True)
class Aim:
    """
    What every signal's target is decided from.
    """

    wishes: Wishes
    environ: Mapping[str, str]
    backend: Backend
    region: str | None

    def get_target(self, signal: Signal) -> Target:
        """
        Return where *signal* goes.

        Raises:
            ConfigurationError: If nothing can go there.
        """
        place = self._get_place(signal)
        check_protocol(place.url, place.protocol, place.endpoint_from, has_code=self._has_code)
        return Target(
            signal=signal,
            backend=self.backend,
            protocol=place.protocol,
            url=signal_url(place.url, place.protocol, signal, is_full=place.is_full),
            headers=self._get_headers(signal, place),
            compression=self._get_compression(signal, place),
            endpoint_from=place.endpoint_from,
            protocol_from=place.protocol_from,
            has_code=self._has_code,
        )

    @property
    def _has_code(self) -> bool:
        return self.wishes != Wishes()

    def _get_place(self, signal: Signal) -> _Place:
        said = self._find_protocol(signal)
        endpoint = self._find_endpoint(signal)
        if endpoint is None:
            said = said or Found(DEFAULT_PROTOCOL, f"{self.backend.name}'s default")
            endpoint = self._get_preset(_as_protocol(said))
        # The variable of one signal is the whole URL, not its base.
        is_full = endpoint.where == endpoint_of(signal)
        url = parse_endpoint(endpoint.value, endpoint.where, is_full=is_full)
        said = said or find_protocol(url, endpoint.where)
        return _Place(url, is_full, endpoint.where, _as_protocol(said), said.where)

    def _get_headers(self, signal: Signal, place: _Place) -> dict[str, str]:
        """
        Return the headers, with the backend's key where it may be known.

        Whoever redirects an export by a variable, to a collector of theirs
        say, gives it the headers it needs the same way.
        """
        host = f".{place.url.hostname}"
        is_cloud = any(host.endswith(f".{domain}") for domain in self.backend.domains)
        if is_cloud and place.url.scheme == "http":
            raise ConfigurationError(
                f"{place.endpoint_from} would send the key in the clear: "
                f"type https://{place.url.netloc}"
            )
        is_named = not place.endpoint_from.startswith("OTEL_")
        key_headers: dict[str, str] = {}
        if is_cloud or is_named:
            key_headers = find_key_headers(self.wishes, self.environ, self.backend)
        headers = key_headers | find_headers(self.wishes, self.environ, signal)
        if is_cloud:
            check_key(self.backend, headers, self.wishes, self.environ)
        return headers

    def _find_protocol(self, signal: Signal) -> Found | None:
        said = find_exporter_variable(self.environ, signal, "PROTOCOL")
        if said is None and self.wishes.protocol is not None:
            said = Found(str(self.wishes.protocol), "protocol=")
        return said

    def _find_endpoint(self, signal: Signal) -> Found | None:
        said = find_exporter_variable(self.environ, signal, "ENDPOINT")
        if said is None and self.wishes.endpoint is not None:
            said = Found(str(self.wishes.endpoint), "endpoint=")
        return said

    def _get_preset(self, protocol: Protocol) -> Found:
        backend = self.backend
        template = backend.endpoints.get(protocol)
        if template is None:
            takes = ", ".join(backend.endpoints)
            variable = f"{PROTOCOL}={takes}"
            said = f"protocol={takes!r} ({variable})" if self._has_code else variable
            raise ConfigurationError(f"{backend.title} takes no {protocol}: type {said}")
        if "{region}" not in template:
            return Found(template, f"{backend.name}'s default")
        if self.region is None:
            variables = " or ".join([REGION, *backend.region_variables])
            said = f"set {variables}, or {ENDPOINT} as its page shows yours"
            if self._has_code:
                example = backend.region_example or next(iter(backend.regions))
                said = (
                    f"type region={example!r} or endpoint= as its page shows yours, "
                    f"or set {variables}"
                )
            raise ConfigurationError(
                f"{backend.title} has an endpoint for each region: {said} ({backend.source})"
            )
        place = backend.regions.get(self.region, self.region)
        return Found(template.format(region=place), f"{backend.name}'s region {self.region!r}")

    def _get_compression(self, signal: Signal, place: _Place) -> Compression:
        said = find_exporter_variable(self.environ, signal, "COMPRESSION")
        if said is None:
            return "gzip" if place.url.scheme == "https" else "none"
        word = said.value.lower()
        if word == "deflate" and place.protocol == "http/protobuf":
            return "deflate"
        if word not in _COMPRESSIONS:
            raise ConfigurationError(f"{said.where} must be gzip or none for {place.protocol}")
        return _COMPRESSIONS[word]


def _as_protocol(said: Found) -> Protocol:
    word = said.value.strip().lower()
    for protocol in PROTOCOLS:
        if word == protocol:
            return protocol
    raise ConfigurationError(
        f"{said.where} must be one of {', '.join(PROTOCOLS)}; it is {said.value!r}"
    )
