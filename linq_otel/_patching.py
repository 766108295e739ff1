"""
Replacing methods of other libraries by our functions, and putting the originals back.

Other instrumentations do the same with the same methods, in any order. Theirs
are found by what is usual: a mark on the function, and ``__wrapped__`` for what
it covers. Ours therefore carries the marks of what it covers, and its
``__wrapped__`` is ours again, over what *that* covers: to take theirs out from
beneath ours, by their own means, leaves ours in place.
"""

from __future__ import annotations

import importlib
from contextlib import suppress
from functools import partial, wraps
from inspect import iscoroutinefunction, unwrap
from types import FunctionType
from typing import TYPE_CHECKING, Any, cast

from wrapt import FunctionWrapper

from ._import_hooks import add_hook, remove_hook
from ._shield import report, swallow
from .errors import ConfigurationError


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Function = Callable[..., Any]
    Wrapper = Callable[[Function, Any, tuple[Any, ...], dict[str, Any]], Any]
    Weave = Callable[["Patches", Function], Function]


class Patches:
    """
    The functions put into one library.

    Args:
        library: Its name, for the log.

    Attributes:
        is_on: True until the functions are taken out.
        is_whole: False if a method was missing.
    """

    __slots__ = ("_hooks", "_library", "_patched", "is_on", "is_whole")

    def __init__(self, library: str) -> None:
        self._library = library
        self.is_on = self.is_whole = True
        self._patched: list[tuple[type, str, _Layer]] = []
        self._hooks: list[tuple[str, Callable[[], object]]] = []

    def wrap(self, module: str, owner_name: str, name: str, wrapper: Wrapper) -> None:
        """
        Wrap one method; one that is missing is reported and passed over.

        Args:
            module: The module of the class.
            owner_name: The class.
            name: Its method.
            wrapper: As wrapt calls it: ``(wrapped, instance, args, kwargs)``; its
                result is awaited where the method is a coroutine function.
        """
        self.weave(module, owner_name, name, partial(_call_wrapper, wrapper))

    def weave(self, module: str, owner_name: str, name: str, weave: Weave) -> None:
        """
        Put a plain function in a method's place; one that is missing is reported and passed over.

        In a property's place it stands for what gets its value.

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
        try:
            owner: type = getattr(importlib.import_module(module), owner_name)
            own: dict[str, Any] = dict(vars(owner))
            layer = _Layer(partial(weave, self), own[name])
            setattr(owner, name, layer.function)
        except (ImportError, AttributeError, KeyError):
            report(f"patch: {owner_name}.{name}", f"{self._library} has no {owner_name}.{name}")
            self.is_whole = False
            return
        self._patched.append((owner, name, layer))

    def when_imported(self, module: str, install: Callable[[], object]) -> None:
        """
        Call *install* as soon as the app has imported *module*: at once if it has already.

        A library that the app never uses is never imported. No exception of
        *install* reaches that import but a ``ConfigurationError``, for an app
        that must not start.
        """

        def hook() -> None:
            if not self.is_on:
                return
            try:
                install()
            except ConfigurationError:
                raise
            except Exception as error:
                swallow(f"patching {module}", error)

        self._hooks.append((module, hook))
        add_hook(module, hook)

    def remove(self) -> None:
        """
        Put the original functions back.

        Where another library has wrapped ours meanwhile, ours is taken out
        from beneath it as far as its ``__wrapped__`` goes: once it is taken out
        itself, the original is back. Until then it may call ours, which does
        nothing but go on.
        """
        self.is_on = False
        for module, hook in self._hooks:
            remove_hook(module, hook)
        self._hooks.clear()
        for owner, name, layer in reversed(self._patched):
            _take_out(owner, name, layer)
        self._patched.clear()


class _Layer:
    """
    One of our functions and what it covers.

    Where it covers another library's wrapper, there is a second one over
    what that wrapper covers: that library will put it here in our place.

    Args:
        weave: Makes our function that covers another.
        original: A method as it stands in its class.
    """

    __slots__ = ("beneath", "function", "original")

    function: Any

    def __init__(self, weave: Callable[[Function], Function], original: Any) -> None:
        self.original = original
        self.beneath: _Layer | None = None
        if isinstance(original, property):
            get: Any = original.fget
            self.function = original.getter(wraps(get)(weave(get)))
            return
        function: Any = wraps(original)(weave(_unbound(original)))
        covered = getattr(original, "__wrapped__", None)
        if callable(covered):
            self.beneath = _Layer(weave, covered)
            function.__wrapped__ = self.beneath.function
            if isinstance(original, FunctionWrapper):
                # What was wrapped by wrapt is unwrapped if it is wrapt's, and not otherwise.
                function = FunctionWrapper(self.beneath.function, _instead(function))
        self.function = function

    def chain(self) -> Iterator[_Layer]:
        layer: _Layer | None = self
        while layer is not None:
            yield layer
            layer = layer.beneath


def _instead(function: Function) -> Wrapper:
    def call(
        _wrapped: Function, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        return function(instance, *args, **kwargs)

    return call


def _take_out(owner: type, name: str, layer: _Layer) -> None:
    found, holder = vars(owner).get(name), None
    while found is not None:
        for ours in layer.chain():
            if _is_same(found, ours.function):
                if holder is None:
                    setattr(owner, name, ours.original)
                else:
                    with suppress(AttributeError, TypeError):
                        holder.__wrapped__ = ours.original
                return
        found, holder = getattr(found, "__wrapped__", None), found


def _call_wrapper(wrapper: Wrapper, patches: Patches, original: Function) -> Function:
    """
    Return a function of the kind that *original* is, which calls *wrapper* while that is on.
    """
    if iscoroutinefunction(unwrap(original)):

        async def acall(instance: Any, *args: Any, **kwargs: Any) -> Any:
            if not patches.is_on:
                return await original(instance, *args, **kwargs)
            return await wrapper(partial(original, instance), instance, args, kwargs)

        return acall

    def call(instance: Any, *args: Any, **kwargs: Any) -> Any:
        if not patches.is_on:
            return original(instance, *args, **kwargs)
        return wrapper(partial(original, instance), instance, args, kwargs)

    return call


def _unbound(method: Any) -> Callable[..., Any]:
    """
    Return *method*, as it stands in its class, as a function of the instance.
    """
    # Not isinstance(): a wrapper of wrapt's says it is a function as well, but one that somebody
    # has put there before us, and that wants to know whose method it is.
    if type(method) is FunctionType:
        return cast("Callable[..., Any]", method)

    @wraps(method)
    def bind(instance: Any, *args: Any, **kwargs: Any) -> Any:
        return method.__get__(instance, type(instance))(*args, **kwargs)

    return bind


def _is_same(found: Any, wrapper: Any) -> bool:
    # Who wrapped ours and has given it back put it there as he got it: bound to the class.
    return found is wrapper or getattr(found, "_self_parent", None) is wrapper
