"""
Putting wrappers into other people's classes, and taking them out again.
"""

from __future__ import annotations

import importlib
from functools import wraps
from types import FunctionType
from typing import TYPE_CHECKING, Any, cast

from wrapt import FunctionWrapper, register_post_import_hook, wrap_object

from ._shield import report, shield


if TYPE_CHECKING:
    from collections.abc import Callable

    Function = Callable[..., Any]
    Wrapper = Callable[[Function, Any, tuple[Any, ...], dict[str, Any]], Any]
    Weave = Callable[["Patches", Function], Function]


class Patches:
    """
    The wrappers put into one library.

    Args:
        library: Its name, for the log.

    Attributes:
        is_on: True until the wrappers are taken out.
    """

    __slots__ = ("_library", "_patched", "is_on")

    def __init__(self, library: str) -> None:
        self._library = library
        self.is_on = True
        self._patched: list[tuple[type, str, Any, Any]] = []

    def wrap(self, module: str, owner_name: str, name: str, wrapper: Wrapper) -> None:
        """
        Wrap one method; what is not there is reported and passed over.

        Args:
            module: The module of the class.
            owner_name: The class.
            name: Its method.
            wrapper: As wrapt calls it: ``(wrapped, instance, args, kwargs)``.
        """

        def put(_owner: type, _original: object) -> None:
            path, arguments = f"{owner_name}.{name}", (wrapper, self._is_enabled)
            # Positional: wrapt 1 and 2 name the first parameter differently.
            wrap_object(module, path, FunctionWrapper, arguments)

        self._patch(module, owner_name, name, put)

    def weave(self, module: str, owner_name: str, name: str, weave: Weave) -> None:
        """
        Put a plain function in a method's place, where every request of an app passes.

        A function of Python's own costs a request 0.5 µs, and a wrapper of
        wrapt's 0.9 before it has done anything.

        Args:
            module: As for :meth:`wrap`.
            owner_name: As for :meth:`wrap`.
            name: As for :meth:`wrap`.
            weave: Is given these patches and the method as a function of the
                instance, and returns what takes its place: a coroutine function
                for one. That must look at :attr:`is_on`, for another's wrapper
                may keep it.
        """

        def put(owner: type, original: Any) -> None:
            setattr(owner, name, wraps(original)(weave(self, _unbound(original))))

        self._patch(module, owner_name, name, put)

    def when_imported(self, module: str, install: Callable[[], object]) -> None:
        """
        Call *install* as soon as the app has imported *module*: at once if it has already.

        A library that the app never uses is never imported.
        """

        def hook(_module: object) -> None:
            # In the middle of the app's own import, where nothing of ours may raise.
            if self.is_on:
                with shield(f"patching {module}"):
                    install()

        register_post_import_hook(hook, module)

    def remove(self) -> None:
        """
        Put the original functions back.

        Where somebody has wrapped ours meanwhile, ours stays beneath and does
        nothing.
        """
        self.is_on = False
        for owner, name, original, wrapper in reversed(self._patched):
            if _is_same(vars(owner).get(name), wrapper):
                setattr(owner, name, original)
        self._patched.clear()

    def _patch(
        self, module: str, owner_name: str, name: str, put: Callable[[type, Any], object]
    ) -> None:
        try:
            owner: type = getattr(importlib.import_module(module), owner_name)
            own: dict[str, Any] = dict(vars(owner))
            original = own[name]
            put(owner, original)
        except (ImportError, AttributeError, KeyError):
            report(f"patch: {owner_name}.{name}", f"{self._library} has no {owner_name}.{name}")
            return
        self._patched.append((owner, name, original, vars(owner)[name]))

    def _is_enabled(self) -> bool:
        # wrapt asks before it calls a wrapper; an attribute is nothing it could call.
        return self.is_on


def _unbound(method: Any) -> Callable[..., Any]:
    """
    Return *method*, as it stands in its class, as a function of the instance.
    """
    # Not isinstance(): a wrapper of wrapt's says it is a function as well, but one that somebody
    # has put there before us, and that wants to know whose method it is.
    if type(method) is FunctionType:
        return cast("Callable[..., Any]", method)

    def bind(instance: Any, *args: Any, **kwargs: Any) -> Any:
        return method.__get__(instance, type(instance))(*args, **kwargs)

    return bind


def _is_same(found: Any, wrapper: Any) -> bool:
    # Who wrapped ours and has given it back put it there as he got it: bound to the class.
    return found is wrapper or getattr(found, "_self_parent", None) is wrapper
