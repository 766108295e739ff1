from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from linq_otel.doctor._findings import tell
from linq_otel.doctor._packages import _list_requirements, find_of_packages, find_packages
from linq_otel.doctor._scene import look
from linq_otel.doctor._sdk import find_of_sdk
from linq_otel.doctor._sdk_files import find_requests, list_seams
from support.findings import pick


if TYPE_CHECKING:
    from pathlib import Path

    from linq_otel.doctor import Finding


BASE_CLIENT = """
class SyncAPIClient:
    def request(self): ...
    def _sleep_for_retry(self): ...
    def _process_response(self): ...
class BaseClient:
    def _build_request(self): ...
"""
RESOURCE = """
class Chats:
    def create(self): return self._post("/v3/chats", body={})
    def get(self, i): return self._get(path_template("/v3/chats/{chat_id}", chat_id=i))
    def old(self, i): return self._delete(f"/v3/messages/{i}")
    def new(self): return self._put("/v3/telepathy", body={})
    def other(self): return self._post("https://example.com")
"""


def install(folder: Path, name: str, version: str, more: str = "", files: str = "") -> Path:
    """
    Make what an installer leaves of a distribution: its metadata and the list of its files.
    """
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{more}"
    )
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in files.split()))
    return info


def requires(*requirements: str) -> str:
    return "".join(f"Requires-Dist: {each}\n" for each in requirements)


def install_sdk(folder: Path, version: str) -> None:
    (folder / "linq/resources").mkdir(parents=True)
    (folder / "linq/__init__.py").write_text("")
    (folder / "linq/_base_client.py").write_text(BASE_CLIENT)
    (folder / "linq/resources/chats.py").write_text(RESOURCE)
    files = "linq/__init__.py linq/_base_client.py linq/resources/chats.py"
    install(folder, "linq-python", version, files=files)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """
    Return a folder that is all there is on the path.
    """
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.setattr(sys, "path", [str(folder)])
    return folder


def of_packages() -> list[Finding]:
    return list(find_of_packages(find_packages()))


def of_sdk(*, is_live: bool = False) -> list[Finding]:
    return list(find_of_sdk(look({}, {}, is_live=is_live), find_packages()))


class TestReleases:
    def test_met(self, site: Path) -> None:
        """
        What each package requires is there, and the numbers alone say nothing.

        Many have a release train of their own, which the distros of AWS and Elastic bring.
        """
        install(site, "opentelemetry-api", "1.45.1")
        install(site, "opentelemetry-sdk", "1.45.1", requires("opentelemetry-api==1.45.1"))
        install(
            site,
            "opentelemetry-instrumentation-openai-v2",
            "2.4b0",
            requires("opentelemetry-api~=1.30", "opentelemetry-util-genai>=0.2b0; extra == 'x'"),
        )
        install(site, "opentelemetry-sdk-extension-aws", "2.1.0", requires("opentelemetry_sdk~=1"))
        install(site, "opentelemetry-odd", "1", requires("opentelemetry-api no requirement"))
        install(site, "requests", "2.1")
        assert of_packages() == [
            tell(
                "otel.versions",
                "the packages of OpenTelemetry have what each requires: "
                "opentelemetry-api 1.45.1, opentelemetry-sdk 1.45.1",
            )
        ]

    def test_not_met(self, site: Path) -> None:
        """What an upgrade has left behind is named, with the command that helps."""
        install(site, "opentelemetry-api", "1.45.2")
        install(site, "opentelemetry-sdk", "1.43.0", requires("opentelemetry-api==1.43.0"))
        pinned = requires("opentelemetry-semantic-conventions==0.60b1", "wrapt")
        install(site, "opentelemetry-instrumentation-flask", "0.60b1", pinned)
        assert of_packages() == [
            tell(
                "otel.versions.mismatch",
                "opentelemetry-instrumentation-flask 0.60b1 requires "
                "opentelemetry-semantic-conventions==0.60b1, and it is not installed; "
                "opentelemetry-sdk 1.43.0 requires opentelemetry-api==1.43.0, and 1.45.2 is "
                "installed",
                detail="Packages of different releases break each other's private parts; "
                "pip check lists them too.",
                remedy="pip install -U opentelemetry-api opentelemetry-instrumentation-flask "
                "opentelemetry-sdk opentelemetry-semantic-conventions",
            )
        ]

    def test_too_old(self, site: Path) -> None:
        """A release we do not support is named."""
        install(site, "opentelemetry-api", "1.29.0")
        assert of_packages() == [
            tell(
                "otel.versions.old",
                "opentelemetry-api is of release 1.29.0; 1.30 is the oldest that works",
                remedy="pip install -U opentelemetry-sdk opentelemetry-exporter-otlp",
            )
        ]

    def test_here(self) -> None:
        """What the tests run with belongs together, and nothing is passed over for its metadata."""
        packages = find_packages()
        assert [f.code for f in find_of_packages(packages)] == ["otel.versions"]
        assert sum(len(list(_list_requirements(d))) for d, *_ in packages.values()) > 50


class TestDuplicates:
    def test_in_two_folders(
        self, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Two copies are found, with where they are; a folder listed twice is one."""
        other = tmp_path / "other"
        install(site, "linq-python", "0.65.0")
        install(other, "linq_python", "0.20.0")
        monkeypatch.setattr(sys, "path", [str(site), str(site), str(other)])
        assert of_packages()[1:] == [
            tell(
                "package.duplicate",
                "linq-python is installed 2 times: 0.65.0, 0.20.0",
                detail=f"In {other} and {site}; the first is taken.",
                remedy="pip uninstall linq-python, until it is gone, then pip install linq-python",
            )
        ]

    def test_of_a_torn_upgrade(self, site: Path) -> None:
        """So is metadata that an upgrade has left behind."""
        install(site, "opentelemetry-sdk", "1.45.0")
        install(site, "opentelemetry-sdk", "1.44.0")
        assert [f.code for f in of_packages()] == ["otel.versions", "package.duplicate"]


class TestSdk:
    def test_installed(self) -> None:
        """The one the tests run with is whole, and every operation of it has a name."""
        assert [(f.code, f.severity, f.remedy) for f in of_sdk()] == [
            ("linq.sdk", "ok", ""),
            ("linq.seams", "ok", ""),
            ("linq.operations", "ok", ""),
            ("linq.key.unset", "note", "export LINQ_API_V3_API_KEY=…"),
        ]

    def test_missing(self, site: Path) -> None:
        """Without it, calls by bare HTTP are traced."""
        assert of_sdk() == [
            tell(
                "linq.sdk.missing",
                "linq-python is not installed",
                detail="Calls by bare HTTP are traced: "
                "httpx, httpx2, requests, urllib3, urllib and aiohttp.",
                remedy="pip install 'linq-python[webhooks]'",
            )
        ]

    def test_only_another_package_of_the_name(self, site: Path) -> None:
        """Another `linq` alone is not mistaken for it."""
        install(site, "linq", "1.2", files="linq/__init__.py")
        assert [f.title for f in of_sdk()] == [
            "linq-python is not installed (`import linq` is linq here)"
        ]

    def test_another_package_in_its_place(self, site: Path) -> None:
        """Two packages in one folder overwrite each other."""
        install_sdk(site, "0.65.0")
        info = install(site, "pylinq-tools", "1.2")
        (info / "top_level.txt").write_text("linq\n")
        assert pick(of_sdk(), "linq.other") == [
            (
                "linq.other-package",
                "problem",
                "pip uninstall pylinq-tools; pip install --force-reinstall linq-python",
            )
        ]

    def test_shadowed(self, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The app's own module of that name comes first on the path."""
        install_sdk(site, "0.65.0")
        (tmp_path / "linq.py").write_text("")
        monkeypatch.setattr(sys, "path", [str(tmp_path), str(site)])
        assert pick(of_sdk(), "linq.other") == [
            ("linq.other-package", "problem", "rename your own module `linq`")
        ]

    def test_old_and_incomplete(self, site: Path) -> None:
        """An old release lacks methods, and has operations nobody has named."""
        install_sdk(site, "0.5.1")
        assert [f for f in of_sdk() if f.severity in {"warning", "problem"} or "op" in f.code] == [
            tell(
                "linq.sdk.old",
                "linq-python 0.5.1 is older than 0.20, the oldest that is tested",
                remedy="pip install -U linq-python",
            ),
            tell(
                "linq.seams.missing",
                "6 of 10 methods are not in this release: AsyncAPIClient.request, "
                "AsyncAPIClient._sleep_for_retry, AsyncAPIClient._process_response",
                detail="Each that is missing costs a detail of its calls, and never a call.",
                remedy="pip install -U linq-otel linq-python",
            ),
            tell(
                "linq.operations.unknown",
                "1 of 4 operations have no name of their own: PUT /v3/telepathy",
                detail="Their spans are named by method and path.",
                remedy="pip install -U linq-otel",
            ),
        ]

    def test_key(self) -> None:
        """The SDK's key is told by its variable, and is not shown."""
        scene = look({"LINQ_API_V3_API_KEY": "do-not-show-me"}, {})
        found = [f for f in find_of_sdk(scene, find_packages()) if f.code.startswith("linq.key")]
        assert found == [tell("linq.key", "LINQ_API_V3_API_KEY is set (not shown)")]

    def test_left_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where there is no code, none is advised."""
        monkeypatch.setitem(sys.modules, "opentelemetry.instrumentation.auto_instrumentation", sys)
        assert pick(of_sdk(is_live=True), "linq.unin") == [
            (
                "linq.uninstrumented",
                "problem",
                (
                    "take linq out of OTEL_PYTHON_DISABLED_INSTRUMENTATIONS, or read what its log "
                    "says of linq"
                ),
            )
        ]

    def test_uninstrumented_app(self) -> None:
        """An app that never called `instrument()` traces no call."""
        assert pick(of_sdk(is_live=True), "linq.unin") == [
            (
                "linq.uninstrumented",
                "problem",
                "from linq_otel import instrument; instrument()",
            )
        ]

    def test_what_is_read(self) -> None:
        """Seams are those that `instrument()` patches; requests are found however written."""
        (sdk,) = find_packages()["linq-python"]
        assert len(list_seams()) == 10
        assert len(find_requests(sdk)) == 70
