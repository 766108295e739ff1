"""
Gets the backends: built by Go from what the module proxy serves, and kept in the user's cache.

Not by ``go install``, which refuses a module that replaces another (Jaeger's does), but in the
module's own tree, as its developers build it. The checksum database has vouched for that tree.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Callable


# Apart from the repository, so that every checkout finds what one of them built.
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "linq-otel" / "backends"
_MANIFEST = Path(__file__).parent / "builder.yaml"
_SECONDS = 3600


class GoError(Exception):
    """
    Go is not there, or did not do what it was asked.
    """


@dataclass(frozen=True, slots=True)
class Recipe:
    """
    One program: which module it is in, at which version, and which package it is.
    """

    name: str
    module: str
    version: str
    package: str = "."
    shown_as: str = ""

    @property
    def title(self) -> str:
        """
        The program and the version it says it has.
        """
        return f"{self.name} {self.shown_as or self.version}"


@dataclass(frozen=True, slots=True)
class Build:
    """
    A recipe, and the program it made, or why it made none.
    """

    recipe: Recipe
    path: Path | None
    seconds: float
    complaint: str = ""


# v1.76.0 is the tag of Jaeger 2.13.0 that the module proxy knows: the path of a module of a
# second major version would have to end in v2, and Jaeger's does not.
JAEGER = Recipe(
    "Jaeger", "github.com/jaegertracing/jaeger", "v1.76.0", "./cmd/jaeger", "2.13.0 (v1.76.0)"
)
VIEWER = Recipe("otel-desktop-viewer", "github.com/CtrlSpice/otel-desktop-viewer", "v0.4.1")
VICTORIA = Recipe(
    "VictoriaTraces",
    "github.com/VictoriaMetrics/VictoriaTraces",
    "v0.10.0",
    "./app/victoria-traces",
)
BUILDER = Recipe("ocb", "go.opentelemetry.io/collector/cmd/builder", "v0.159.0")
COLLECTOR = Recipe("OpenTelemetry Collector", "go.opentelemetry.io/collector", "v0.159.0")


def find_go() -> str:
    """
    Answer the path of Go.

    Raises:
        GoError: There is none.
    """
    found = shutil.which("go")
    if found is None:
        raise GoError("Go is not installed: the backends are built from source (https://go.dev)")
    return found


def ask_version(go: str) -> str:
    """
    Answer what Go says of itself.
    """
    return _run([go, "version"], Path.cwd()).strip().removeprefix("go version ")


def build(go: str, recipe: Recipe) -> Build:
    """
    Build *recipe*, if it was not before; a module that cannot be had is no error, but said.
    """
    program = CACHE / f"{recipe.name}-{recipe.version}".replace(" ", "-").lower()
    return _keep(recipe, program, lambda: _build_module(go, recipe, program))


def build_collector(go: str) -> Build:
    """
    Build the collector of ``builder.yaml`` with its official builder.
    """
    program = CACHE / f"otelcol-{COLLECTOR.version}"
    return _keep(COLLECTOR, program, lambda: _build_distribution(go, program))


def _keep(recipe: Recipe, program: Path, make: Callable[[], None]) -> Build:
    begun = time.monotonic()
    if not program.is_file():
        CACHE.mkdir(parents=True, exist_ok=True)
        try:
            make()
        except GoError as error:
            return Build(recipe, None, time.monotonic() - begun, str(error))
    return Build(recipe, program, time.monotonic() - begun)


def _build_module(go: str, recipe: Recipe, program: Path) -> None:
    tree = CACHE / "source"
    answer = _run([go, "mod", "download", "-json", f"{recipe.module}@{recipe.version}"], CACHE)
    shutil.rmtree(tree, ignore_errors=True)
    # What Go keeps is read-only, and a build writes beside it.
    shutil.copytree(json.loads(answer)["Dir"], tree, copy_function=shutil.copyfile)
    for folder in (tree, *(path for path in tree.rglob("*") if path.is_dir())):
        folder.chmod(0o755)
    try:
        _run(["nice", go, "build", "-trimpath", "-o", str(program), recipe.package], tree)
    finally:
        shutil.rmtree(tree, ignore_errors=True)


def _build_distribution(go: str, program: Path) -> None:
    made = build(go, BUILDER)
    if made.path is None:
        raise GoError(made.complaint)
    tree = CACHE / "distribution"
    _run(["nice", str(made.path), "--config", str(_MANIFEST)], CACHE)
    (tree / "otelcol").replace(program)
    shutil.rmtree(tree, ignore_errors=True)


def _run(command: list[str], folder: Path) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "GOFLAGS": "-buildvcs=false"},
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode:
        lines = [*done.stdout.splitlines(), *done.stderr.splitlines()]
        said = [line for line in lines if not line.startswith("go: downloading")]
        raise GoError(" ".join(" ".join(said[-4:]).split())[:400])
    return done.stdout
