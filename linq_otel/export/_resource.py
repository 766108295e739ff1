"""
Who exports: the service, and which of its processes.
"""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.sdk import resources
from opentelemetry.sdk.resources import OTELResourceDetector, Resource

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
        self._known = (os.getpid(), _make_id())

    @property
    def id(self) -> str:
        process = os.getpid()
        if self._known[0] != process:
            # Compared, and not told by a hook: uWSGI forks without calling any.
            self._known = (process, _make_id())
        return self._known[1]


def _make_id() -> str:
    # Newer SDKs have one for each process, which the app's own providers name too.
    detector: Any = getattr(resources, "ServiceInstanceIdResourceDetector", None)
    return str(uuid.uuid4() if detector is None else detector().detect().attributes[_INSTANCE])


_instance: Final = _Instance()


class _ProcessResource(Resource):
    """
    A resource that names the process it is asked in.

    With the SDK's own a worker would have no id, or that of the server it was
    forked from: older ones name none, newer ones rely on being told of forks.
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
    kept = dict(resource.attributes)
    if kept.pop(_INSTANCE, _instance.id) != _instance.id:
        return resource
    return _ProcessResource(kept, resource.schema_url)
