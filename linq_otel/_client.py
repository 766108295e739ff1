"""
The seams in the Linq SDK.

``SyncAPIClient.request`` and its async twin see every call: each verb, raw and
streaming responses, each page of a list, custom ``client.post``, and clients
built before us. Inside it, four methods tell when a request goes out and what
came back. They are private to the SDK, so each is patched if it is there, and
what is missing costs a detail and never a call.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.instrumentation.utils import is_instrumentation_enabled

from ._calls import Call, current_call, may_draw_wire
from ._carrying import body_of, carry, get_options
from ._environment import compile_excluded
from ._idempotency import find_idempotency_key
from ._json import as_mapping
from ._operations import operation_of
from ._shield import shield
from ._wire import describe_request, learn_ids, note_response


if TYPE_CHECKING:
    from collections.abc import Callable

    from ._patching import Patches
    from ._tracing import Tracing


_MODULE: Final = "linq._base_client"


class SdkSeams:
    """
    The wrappers in the SDK: what they are, and the tracing they draw with.
    """

    def __init__(self, tracing: Tracing) -> None:
        self._tracing = tracing
        self._excluded = compile_excluded(tracing.settings.excluded_urls)
        self._carries = tracing.settings.carrier == "idempotency_key"

    def install(self, patches: Patches) -> None:
        """
        Wrap each seam that is there.
        """
        for owner, name, wrapper in (
            ("SyncAPIClient", "request", self._request),
            ("AsyncAPIClient", "request", self._arequest),
            ("BaseClient", "_build_request", _build_request),
            ("SyncAPIClient", "_sleep_for_retry", _sleep_for_retry),
            ("AsyncAPIClient", "_sleep_for_retry", _sleep_for_retry),
            ("SyncAPIClient", "_process_response", _process_response),
            ("AsyncAPIClient", "_process_response", _aprocess_response),
            ("BaseClient", "_make_status_error_from_response", _make_status_error),
        ):
            patches.wrap(_MODULE, owner, name, wrapper)

    def _request(
        self, wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: Any
    ) -> Any:
        call = self._open_call(instance, args, kwargs)
        if call is None:
            return wrapped(*args, **kwargs)
        origins = self._tracing.origins
        settlement = call.settlement
        with call:
            if self._carries:
                args, kwargs = carry(call, instance, args, kwargs)
            origins.save(settlement.early_origin())
            answer = wrapped(*args, **kwargs)
            origins.save(settlement.settle(origins.find(settlement.replay_keys)))
            return answer

    async def _arequest(
        self, wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: Any
    ) -> Any:
        call = self._open_call(instance, args, kwargs)
        if call is None:
            return await wrapped(*args, **kwargs)
        origins = self._tracing.origins
        settlement = call.settlement
        with call:
            if self._carries:
                args, kwargs = carry(call, instance, args, kwargs)
            await origins.asave(settlement.early_origin())
            answer = await wrapped(*args, **kwargs)
            await origins.asave(settlement.settle(await origins.afind(settlement.replay_keys)))
            return answer

    def _open_call(self, client: Any, args: tuple[Any, ...], kwargs: Any) -> Call | None:
        if not is_instrumentation_enabled():
            return None
        with shield("opening a call"):
            options = get_options(args, kwargs)
            url = str(options.url)
            if self._is_excluded(client, url) or self._tracing.source.get() is None:
                return None
            operation = operation_of(options.method, url)
            key = _find_idempotency_key(options) if operation.starts_life else None
            call = Call(self._tracing, operation, key, draws_wire=may_draw_wire())
            call.disclose(body_of(options))
            return call
        return None

    def _is_excluded(self, client: Any, url: str) -> bool:
        if self._excluded is None:
            return False
        is_absolute = url.startswith(("http://", "https://"))
        base = "" if is_absolute else str(client.base_url).rstrip("/") + "/"
        return self._excluded.search(base + url.lstrip("/")) is not None


def _find_idempotency_key(options: Any) -> str | None:
    return find_idempotency_key(body_of(options), as_mapping(options.headers))


def _build_request(
    wrapped: Callable[..., Any], _instance: Any, args: tuple[Any, ...], kwargs: Any
) -> Any:
    request = wrapped(*args, **kwargs)
    call = current_call()
    if call is not None:
        with shield("beginning an attempt"):
            call.attempts.begin(request, describe_request)
    return request


def _sleep_for_retry(
    wrapped: Callable[..., Any], _instance: Any, args: tuple[Any, ...], kwargs: Any
) -> Any:
    # Of the async client this returns the coroutine: the attempt is over either way.
    call = current_call()
    if call is not None:
        with shield("ending an attempt that is retried"):
            response = kwargs["response"]
            if response is None:
                # The SDK sleeps inside the except block that caught the error.
                call.attempts.note_error(sys.exc_info()[1])
            else:
                note_response(call, response)
    return wrapped(*args, **kwargs)


def _make_status_error(
    wrapped: Callable[..., Any], _instance: Any, args: tuple[Any, ...], kwargs: Any
) -> Any:
    call = current_call()
    if call is not None:
        with shield("ending a refused attempt"):
            note_response(call, kwargs["response"] if "response" in kwargs else args[0])
    return wrapped(*args, **kwargs)


def _process_response(
    wrapped: Callable[..., Any], _instance: Any, args: tuple[Any, ...], kwargs: Any
) -> Any:
    call = current_call()
    if call is None:
        return wrapped(*args, **kwargs)
    with shield("ending an attempt"):
        note_response(call, kwargs["response"])
    answer = wrapped(*args, **kwargs)
    with shield("reading an answer"):
        learn_ids(call, answer, kwargs["response"])
    return answer


async def _aprocess_response(
    wrapped: Callable[..., Any], _instance: Any, args: tuple[Any, ...], kwargs: Any
) -> Any:
    call = current_call()
    if call is None:
        return await wrapped(*args, **kwargs)
    with shield("ending an attempt"):
        note_response(call, kwargs["response"])
    answer = await wrapped(*args, **kwargs)
    with shield("reading an answer"):
        learn_ids(call, answer, kwargs["response"])
    return answer
