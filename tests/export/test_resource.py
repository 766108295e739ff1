from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from linq_otel._version import __version__
from linq_otel.export._resource import make_resource
from support.scripts import run_script


if TYPE_CHECKING:
    import pytest


class TestMakeResource:
    def test_distribution(self) -> None:
        """A process says by whom its export was set up."""
        attributes = make_resource(None, None, {}).attributes
        assert attributes["telemetry.distro.name"] == "linq-otel"
        assert attributes["telemetry.distro.version"] == __version__

    def test_environment_wins(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What the environment says of the service counts, whatever the code says."""
        monkeypatch.setenv("OTEL_SERVICE_NAME", "theirs")
        monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=no,service.instance.id=pod-1")
        attributes = make_resource("ours", "1", {"service.instance.id": "x"}).attributes
        assert (attributes["service.name"], attributes["service.version"]) == ("theirs", "1")
        assert attributes["service.instance.id"] == "pod-1"

    def test_instance(self) -> None:
        """A process has one id, whatever it exports."""
        first, second = (make_resource(None, None, {}).attributes for _ in range(2))
        assert first["service.instance.id"] == second["service.instance.id"]
        assert UUID(str(first["service.instance.id"])).version == 4

    def test_older_sdk(self) -> None:
        """Where the SDK names no instance, a fork has another id than what it is forked from."""
        code = """
            import os
            from linq_otel.export._resource import _ProcessResource

            resource = _ProcessResource({"service.name": "shop"})
            name, before = resource.attributes.values()
            assert name == "shop"
            if os.fork() == 0:
                print(resource.attributes["service.instance.id"], flush=True)
                os._exit(0)
            os.wait()
            assert resource.attributes["service.instance.id"] == before
            print(before)
        """
        inside, before = (UUID(line) for line in run_script(code).splitlines())
        assert (inside.version, before.version) == (4, 4)
        assert inside != before
