"""
Who exports: the service, and which of its processes.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.sdk.resources import OTELResourceDetector, Resource

from linq_otel._forks import call_at_fork
from linq_otel._version import __version__


if TYPE_CHECKING:
    from collections.abc import Mapping


__all__ = ["make_resource"]

_INSTANCE: Final = "service.instance.id"
_DISTRO: Final = {"telemetry.distro.name": "linq-otel", "telemetry.distro.version": __version__}


class _Instance:
    """
    The id of this process, another one in each that is forked from it.
    """

    def __init__(self) -> None:
        self.id = str(uuid.uuid4())
        call_at_fork(in_child=self._renew)

    def _renew(self) -> None:
        self.id = str(uuid.uuid4())


_instance: Final = _Instance()


class _ProcessResource(Resource):
    """
    A resource that names the process it is asked in.

    Newer SDKs do so themselves; with older ones a worker would have no id, or
    that of the server it was forked from.
    """

    @property
    def attributes(self) -> Any:
        return {**super().attributes, _INSTANCE: _instance.id}


def make_resource(
    service_name: str | None,
    service_version: str | None,
    attributes: Mapping[str, Any],
) -> Resource:
    """
    Return a resource of these, of what the environment says, and of the process.

    The environment wins: ``OTEL_SERVICE_NAME`` and ``OTEL_RESOURCE_ATTRIBUTES``.
    """
    given = {"service.name": service_name, "service.version": service_version}
    wished = {**_DISTRO, **attributes, **{k: v for k, v in given.items() if v is not None}}
    said = OTELResourceDetector().detect().attributes
    resource = Resource.create({k: v for k, v in wished.items() if k not in said})
    if _INSTANCE in resource.attributes:
        return resource
    return _ProcessResource(dict(resource.attributes), resource.schema_url)
