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

from opentelemetry.instrumentation.utils import (
    is_http_instrumentation_enabled,
    is_instrumentation_enabled,
)

from ._calls import Call, current_call, is_silence_ours
from ._carrying import body_of, carry, get_options
from ._environment import compile_excluded
from ._idempotency import find_idempotency_key
from ._json import as_mapping
from ._operations import operation_of
from ._shield import shield, swallow
from ._wire import describe_request, learn_ids, note_response


if TYPE_CHECKING:
    from ._patching import Function, Patches
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
        Put ours in the place of each method that is there.
        """
        for owner, name, weave in (
            ("SyncAPIClient", "request", self._weave_request),
            ("AsyncAPIClient", "request", self._weave_arequest),
            ("BaseClient", "_build_request", _weave_build_request),
            ("SyncAPIClient", "_sleep_for_retry", _weave_sleep_for_retry),
            ("AsyncAPIClient", "_sleep_for_retry", _weave_asleep_for_retry),
            ("SyncAPIClient", "_process_response", _weave_process_response),
            ("AsyncAPIClient", "_process_response", _weave_aprocess_response),
            ("BaseClient", "_make_status_error_from_response", _weave_make_status_error),
        ):
            patches.weave(_MODULE, owner, name, weave)

    def _weave_request(self, patches: Patches, send: Function) -> Function:
        origins = self._tracing.origins

        def request(client: Any, *args: Any, **kwargs: Any) -> Any:
            call = self._open_call(client, args, kwargs) if patches.is_on else None
            if call is None:
                return send(client, *args, **kwargs)
            settlement = call.settlement
            with call:
                if self._carries:
                    args, kwargs = carry(call, client, args, kwargs)
                origins.save(settlement.early_origin())
                answer = send(client, *args, **kwargs)
                origins.save(settlement.settle(origins.find(settlement.replay_keys)))
                return answer

        return request

    def _weave_arequest(self, patches: Patches, send: Function) -> Function:
        origins = self._tracing.origins

        async def request(client: Any, *args: Any, **kwargs: Any) -> Any:
            call = self._open_call(client, args, kwargs) if patches.is_on else None
            if call is None:
                return await send(client, *args, **kwargs)
            settlement = call.settlement
            with call:
                if self._carries:
                    args, kwargs = carry(call, client, args, kwargs)
                await origins.asave(settlement.early_origin())
                answer = await send(client, *args, **kwargs)
                await origins.asave(settlement.settle(await origins.afind(settlement.replay_keys)))
                return answer

        return request

    def _open_call(self, client: Any, args: tuple[Any, ...], kwargs: Any) -> Call | None:
        try:
            draws_wire = is_http_instrumentation_enabled()
            if not draws_wire:
                if not is_instrumentation_enabled():
                    return None
                draws_wire = is_silence_ours()
            options = get_options(args, kwargs)
            url = str(options.url)
            if self._is_excluded(client, url) or self._tracing.source.get() is None:
                return None
            operation = operation_of(options.method, url)
            key = _find_idempotency_key(options) if operation.starts_life else None
            call = Call(self._tracing, operation, key, draws_wire=draws_wire)
            if self._tracing.disclosure.is_on:
                call.disclose(body_of(options))
        except Exception as error:
            swallow("opening a call", error)
            return None
        return call

    def _is_excluded(self, client: Any, url: str) -> bool:
        if self._excluded is None:
            return False
        is_absolute = url.startswith(("http://", "https://"))
        base = "" if is_absolute else str(client.base_url).rstrip("/") + "/"
        return self._excluded.search(base + url.lstrip("/")) is not None


def _find_idempotency_key(options: Any) -> str | None:
    return find_idempotency_key(body_of(options), as_mapping(options.headers))


def _weave_build_request(patches: Patches, build: Function) -> Function:
    def build_request(client: Any, *args: Any, **kwargs: Any) -> Any:
        request = build(client, *args, **kwargs)
        call = current_call() if patches.is_on else None
        if call is not None:
            try:
                call.attempts.begin(request, describe_request)
            except Exception as error:
                swallow("beginning an attempt", error)
        return request

    return build_request


def _weave_sleep_for_retry(patches: Patches, sleep: Function) -> Function:
    def sleep_for_retry(client: Any, *args: Any, **kwargs: Any) -> Any:
        if patches.is_on:
            _end_retried(kwargs)
        return sleep(client, *args, **kwargs)

    return sleep_for_retry


def _weave_asleep_for_retry(patches: Patches, sleep: Function) -> Function:
    async def sleep_for_retry(client: Any, *args: Any, **kwargs: Any) -> Any:
        if patches.is_on:
            _end_retried(kwargs)
        return await sleep(client, *args, **kwargs)

    return sleep_for_retry


def _weave_make_status_error(patches: Patches, make: Function) -> Function:
    def make_status_error(client: Any, *args: Any, **kwargs: Any) -> Any:
        call = current_call() if patches.is_on else None
        if call is not None:
            with shield("ending a refused attempt"):
                note_response(call, kwargs["response"] if "response" in kwargs else args[0])
        return make(client, *args, **kwargs)

    return make_status_error


def _weave_process_response(patches: Patches, process: Function) -> Function:
    def process_response(client: Any, *args: Any, **kwargs: Any) -> Any:
        call = current_call() if patches.is_on else None
        if call is None:
            return process(client, *args, **kwargs)
        _end_answered(call, kwargs)
        answer = process(client, *args, **kwargs)
        _learn(call, answer, kwargs)
        return answer

    return process_response


def _weave_aprocess_response(patches: Patches, process: Function) -> Function:
    async def process_response(client: Any, *args: Any, **kwargs: Any) -> Any:
        call = current_call() if patches.is_on else None
        if call is None:
            return await process(client, *args, **kwargs)
        _end_answered(call, kwargs)
        answer = await process(client, *args, **kwargs)
        _learn(call, answer, kwargs)
        return answer

    return process_response


def _end_retried(kwargs: dict[str, Any]) -> None:
    call = current_call()
    if call is not None:
        with shield("ending an attempt that is retried"):
            response = kwargs["response"]
            if response is None:
                # The SDK sleeps inside the except block that caught the error.
                call.attempts.note_error(sys.exc_info()[1])
            else:
                note_response(call, response)


def _end_answered(call: Call, kwargs: dict[str, Any]) -> None:
    try:
        note_response(call, kwargs["response"])
    except Exception as error:
        swallow("ending an attempt", error)


def _learn(call: Call, answer: Any, kwargs: dict[str, Any]) -> None:
    try:
        learn_ids(call, answer, kwargs["response"])
    except Exception as error:
        swallow("reading an answer", error)
