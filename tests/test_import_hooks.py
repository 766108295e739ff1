"""
Patching what the app imports, when it imports it: no import waits, fails or is changed.
"""

from __future__ import annotations

import sys
import zipfile
from importlib import import_module, reload
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest
import wrapt

from linq_otel import instrument, uninstrument
from linq_otel._import_hooks import _finder, add_hook, remove_hook
from support.scripts import run_script


if TYPE_CHECKING:
    from pathlib import Path


PAIRS = (
    ("aiohttp", "aiohttp.web"),
    ("flask", "flask.app"),
    ("starlette", "starlette.middleware.exceptions"),
    ("django", "django.core.handlers.base"),
    ("requests", "opentelemetry.instrumentation.requests"),
)


class TestThreads:
    @pytest.mark.parametrize("pair", PAIRS, ids=" and ".join)
    def test_at_once(self, pair: tuple[str, str]) -> None:
        """Two threads that import a package and a part of it at once both come to an end."""
        script = """
            import sys, threading
            from importlib import import_module
            import linq_otel
            linq_otel.instrument()
            names = sys.argv[1:]
            start = threading.Barrier(len(names))
            def work(name):
                start.wait()
                import_module(name)
            threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in names]
            for thread in threads: thread.start()
            for thread in threads: thread.join(20)
            print([thread.is_alive() for thread in threads])
            linq_otel.uninstrument()
        """
        assert run_script(script, *pair) == "[False, False]\n"


@pytest.fixture
def package(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> str:
    """Put a package that can be imported on the path; it is forgotten afterwards."""
    folder = tmp_path_factory.mktemp("packages")
    (folder / "a_package").mkdir()
    (folder / "a_package" / "__init__.py").write_text("")
    (folder / "a_package" / "part.py").write_text("import a_package.other\nVALUE = 7\n")
    (folder / "a_package" / "other.py").write_text("")
    monkeypatch.syspath_prepend(folder)
    for name in ("a_package", "a_package.part", "a_package.other"):
        monkeypatch.delitem(sys.modules, name, raising=False)
        monkeypatch.setitem(sys.modules, name, None)  # type: ignore[arg-type]  # Undone at the end.
        monkeypatch.delitem(sys.modules, name)
    return "a_package.part"


class TestHooks:
    def test_called_once(self, package: str) -> None:
        """A hook is called when its module is whole, once, and the module is as ever."""
        seen: list[int] = []
        add_hook(package, lambda: seen.append(sys.modules[package].VALUE))
        assert seen == []
        module = import_module(package)
        assert seen == [7]
        assert type(module.__loader__).__name__ == "SourceFileLoader"
        assert "exec_module" not in vars(module.__loader__)
        assert module.__spec__ is not None
        assert module.__spec__.loader is module.__loader__
        reload(module)
        assert seen == [7]

    def test_imported_before(self, package: str) -> None:
        """A hook for what is there already is called at once."""
        import_module(package)
        seen: list[str] = []
        add_hook(package, lambda: seen.append("called"))
        assert seen == ["called"]

    def test_looked_for(self, package: str) -> None:
        """To look a module up is not to import it, and does not use the hook up."""
        seen: list[str] = []
        add_hook(package, lambda: seen.append("called"))
        assert find_spec(package) is not None
        assert seen == []
        import_module(package)
        assert seen == ["called"]

    def test_beside_another_library(self, package: str) -> None:
        """Wrapt's hooks for the same module are called too, whichever finder is asked first."""
        seen: list[str] = []
        wrapt.register_post_import_hook(lambda _module: seen.append("theirs"), package)
        add_hook(package, lambda: seen.append("ours"))
        import_module(package)
        assert sorted(seen) == ["ours", "theirs"]

    def test_a_module_that_fails(self, package: str) -> None:
        """A module that cannot be imported raises what it raises, and its hook still waits."""
        seen: list[str] = []
        add_hook(package, lambda: seen.append("called"))
        sys.modules["a_package.other"] = None  # type: ignore[assignment]  # Cannot be imported.
        with pytest.raises(ModuleNotFoundError):
            import_module(package)
        del sys.modules["a_package.other"]
        assert seen == []
        import_module(package)
        assert seen == ["called"]

    def test_an_archive(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """In an archive, where one loader is for all modules, each hook has its own module."""
        archive = tmp_path / "archive.zip"
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("zipped_one.py", "import zipped_two\n")
            file.writestr("zipped_two.py", "")
            file.writestr("zipped_three.py", "")
        monkeypatch.syspath_prepend(archive)
        seen: list[str] = []
        add_hook("zipped_one", lambda: seen.append("one"))
        add_hook("zipped_two", lambda: seen.append("two"))
        import_module("zipped_three")
        assert seen == []
        import_module("zipped_one")
        assert seen == ["two", "one"]
        for name in ("zipped_one", "zipped_two", "zipped_three"):
            del sys.modules[name]

    def test_nothing_left(self, package: str) -> None:
        """To instrument and uninstrument leaves no hook behind, however often."""
        path = [finder for finder in sys.meta_path if finder is not _finder]
        for _ in range(3):
            instrument()
            uninstrument()

        def hook() -> None:
            raise AssertionError

        add_hook(package, hook)
        remove_hook(package, hook)
        assert _finder._hooks == {}
        assert sys.meta_path == path
