from __future__ import annotations

import configparser
import subprocess
import sys
import zipfile
from email import message_from_string
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement

from linq_otel import LinqInstrumentor, __version__


if TYPE_CHECKING:
    from email.message import Message


ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    Return the wheel built from this checkout.
    """
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT)],
        check=True,
        capture_output=True,
        timeout=110,
    )
    (built,) = folder.glob("*.whl")
    return built


def read_member(wheel: Path, ending: str) -> str:
    """
    Return the text of the one member whose name ends so.
    """
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(ending)]
        return archive.read(name).decode()


@pytest.fixture
def metadata(wheel: Path) -> Message:
    """
    Return the wheel's core metadata.
    """
    return message_from_string(read_member(wheel, ".dist-info/METADATA"))


class TestWheel:
    def test_holds_every_module_and_nothing_else(self, wheel: Path) -> None:
        """
        Each file of the package is in the wheel, its page and its marker of types too; no test is.
        """
        with zipfile.ZipFile(wheel) as archive:
            held = {name for name in archive.namelist() if ".dist-info/" not in name}
        package = {
            path.relative_to(ROOT).as_posix()
            for path in (ROOT / "linq_otel").rglob("*")
            if path.suffix in {".css", ".html", ".js", ".py", ".svg", ".typed"}
        }
        assert held == package
        assert "linq_otel/py.typed" in held

    def test_says_what_it_is(self, metadata: Message) -> None:
        """
        Name, version, licence and Python are what PyPI must show.
        """
        assert metadata["Name"] == "linq-otel"
        assert metadata["Version"] == __version__
        assert metadata["License-Expression"] == "Apache-2.0"
        assert metadata["Requires-Python"] == ">=3.10"

    def test_has_no_gate(self, metadata: Message) -> None:
        """
        No extra is named as the loader's gates are: an app without the SDK is traced too.
        """
        extras = set(metadata.get_all("Provides-Extra", []))
        assert extras & {"instruments", "instruments-any"} == set()
        assert tuple(LinqInstrumentor().instrumentation_dependencies()) == ()

    def test_depends_by_ranges(self, metadata: Message) -> None:
        """
        No dependency is pinned: an app with other needs must still install us.
        """
        rows = [Requirement(row) for row in metadata.get_all("Requires-Dist", [])]
        assert {row.name for row in rows if row.marker is None} == {
            "opentelemetry-api",
            "opentelemetry-exporter-otlp",
            "opentelemetry-instrumentation",
            "opentelemetry-sdk",
            "opentelemetry-semantic-conventions",
            "standardwebhooks",
            "wrapt",
        }
        assert [str(row) for row in rows if "==" in str(row.specifier)] == []

    def test_registers_its_doors(self, wheel: Path) -> None:
        """
        The loader, ``opentelemetry-instrument`` and the shell find us by these names.
        """
        found = configparser.ConfigParser()
        found.read_string(read_member(wheel, "entry_points.txt"))
        assert {section: dict(found[section]) for section in found.sections()} == {
            "console_scripts": {"linq-otel": "linq_otel.cli:main"},
            "opentelemetry_environment_variables": {"linq": "linq_otel.environment_variables"},
            "opentelemetry_instrumentor": {
                "linq": "linq_otel.instrumentor:LinqInstrumentor",
                "linq_webhooks": "linq_otel.webhooks.instrumentor:LinqWebhooksInstrumentor",
            },
            "opentelemetry_pre_instrument": {"linq": "linq_otel.export:configure_from_environment"},
            "pytest11": {"linq_otel": "linq_otel.testing.pytest_plugin"},
        }
