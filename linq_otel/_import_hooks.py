"""
Post-import hooks that never wait for another module's import.

wrapt's hooks look a dotted name up by importing its parent, while the name's
own lock is held. Two threads that import ``aiohttp`` and ``aiohttp.web`` at
once then wait for each other for ever.
"""

from __future__ import annotations

import sys
import threading
from importlib import import_module
from importlib.abc import MetaPathFinder
from typing import TYPE_CHECKING, Any, Final

from ._shield import shield


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    Hook = Callable[[], object]


class _HookFinder(MetaPathFinder):
    """
    Finds a watched module by the other finders, and runs its hooks once it is executed.
    """

    def __init__(self) -> None:
        # No lock: each step is one operation of a dict, and an import holds locks already.
        self._hooks: dict[str, list[Hook]] = {}
        self._finding = threading.local()

    def add(self, module: str, hook: Hook) -> None:
        hooks = self._hooks.setdefault(module, [])
        hooks.append(hook)
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)
        found = sys.modules.get(module)
        if found is None:
            return
        if getattr(found.__spec__, "_initializing", False):
            import_module(module)  # Another thread imports it: this waits for that thread alone.
        self.run(module)

    def remove(self, module: str, hook: Hook) -> None:
        hooks = self._hooks.get(module, [])
        if hook in hooks:
            hooks.remove(hook)
        if not hooks:
            self._hooks.pop(module, None)
        if not self._hooks:
            # A list of its own: another thread may be going through this one.
            sys.meta_path = [finder for finder in sys.meta_path if finder is not self]

    def run(self, module: str) -> None:
        for hook in self._hooks.pop(module, ()):
            hook()

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        # Another library's finder may ask all finders again, and this one among them.
        if fullname not in self._hooks or getattr(self._finding, "name", None) == fullname:
            return None
        self._finding.name = fullname
        try:
            spec = self._find(fullname, path, target)
        finally:
            self._finding.name = None
        if spec is not None:
            with shield(f"watching the import of {fullname}"):
                _call_after(spec.loader, fullname, lambda: self.run(fullname))
        return spec

    def _find(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None
    ) -> ModuleSpec | None:
        for finder in tuple(sys.meta_path):
            find: Any = getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = find(fullname, path, target) if find else None
            if spec is not None:
                return spec
        return None


def _call_after(loader: Any, name: str, run: Callable[[], None]) -> None:
    """
    Have *loader* call *run* once it has executed the module *name*.
    """
    execute = getattr(loader, "exec_module", None)
    # The loader of what is built in is a class, and stands for many modules.
    if execute is None or isinstance(loader, type):
        return

    def exec_module(module: ModuleType) -> None:
        if module.__name__ != name:
            # An archive has one loader for all that is in it.
            execute(module)
            return
        loader.__dict__.pop("exec_module", None)
        execute(module)
        run()

    loader.exec_module = exec_module


_finder: Final = _HookFinder()


def add_hook(module: str, hook: Hook) -> None:
    """
    Call *hook* once the app has imported *module*: at once if it has already.

    The hook runs in the import, and must not raise.
    """
    _finder.add(module, hook)


def remove_hook(module: str, hook: Hook) -> None:
    """
    Forget a *hook* that has not been called.
    """
    _finder.remove(module, hook)
