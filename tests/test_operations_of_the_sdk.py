from __future__ import annotations

import asyncio
import importlib
import importlib.metadata
import inspect
import pkgutil
import threading
import warnings
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Optional, TypeAlias, get_type_hints

import linq
import linq.resources
import pytest
from linq._resource import AsyncAPIResource, SyncAPIResource

from linq_otel._operations import OPERATIONS, operation_of


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


TABLE_IS_OF = (0, 65, 0)
INSTALLED = tuple(int(n) for n in importlib.metadata.version("linq-python").split(".")[:3])
WITHOUT_A_REQUEST = {"webhooks.unwrap"}
OPTIONAL_IDS = {("chats.update", ("chat_id",)): Optional[str]}  # noqa: UP045  # As the SDK has it.

Calls: TypeAlias = "dict[str, list[tuple[str, str]]]"


class RecordingServer(ThreadingHTTPServer):
    """Answers `{}` to everything, and knows what it was asked."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str]] = []
        super().__init__(("127.0.0.1", 0), RecordingHandler)

    @property
    def url(self) -> str:
        """Return what an SDK client takes for its base URL."""
        return f"http://127.0.0.1:{self.server_port}/api/partner"


class RecordingHandler(BaseHTTPRequestHandler):
    server: RecordingServer

    def answer(self) -> None:
        """Note the request, and answer it."""
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.server.requests.append((self.command, self.path))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815  # The base's names.

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def recording_server() -> Iterator[RecordingServer]:
    with RecordingServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join(10)


def resources_below(holder: object, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every resource that can be reached from a client, with its attribute path."""
    for name in sorted(vars(type(holder))):
        if name.startswith(("_", "with_")):
            continue
        value = getattr(holder, name, None)
        if isinstance(value, SyncAPIResource | AsyncAPIResource):
            yield f"{prefix}{name}", value
            yield from resources_below(value, f"{prefix}{name}.")


def methods_below(client: object) -> Iterator[tuple[str, Callable[..., Any]]]:
    for path, resource in resources_below(client):
        for name, function in sorted(vars(type(resource)).items()):
            full_name = f"{path}.{name}"
            is_public = inspect.isfunction(function) and not name.startswith("_")
            if is_public and full_name not in WITHOUT_A_REQUEST:
                yield full_name, getattr(resource, name)


def dummy(annotation: str) -> object:
    if annotation.startswith(("str", "Literal")):
        return "x"
    if annotation.startswith("int"):
        return 1
    return [] if annotation.startswith(("List", "Iterable", "Sequence")) else {}


def called_with_dummies(method: Callable[..., Any]) -> Any:
    required = {
        name: dummy(str(parameter.annotation))
        for name, parameter in inspect.signature(method).parameters.items()
        if parameter.default is parameter.empty
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return method(**required)


def calls_of_sync_client() -> Calls:
    calls: Calls = {}
    with (
        recording_server() as server,
        linq.LinqAPIV3(api_key="key", base_url=server.url, max_retries=0) as client,
    ):
        for name, method in methods_below(client):
            server.requests.clear()
            called_with_dummies(method)
            calls[name] = list(server.requests)
    return calls


async def calls_of_async_client() -> Calls:
    calls: Calls = {}
    with recording_server() as server:
        async with linq.AsyncLinqAPIV3(api_key="key", base_url=server.url, max_retries=0) as client:
            for name, method in methods_below(client):
                server.requests.clear()
                await called_with_dummies(method)
                calls[name] = list(server.requests)
    return calls


def resource_classes() -> set[type]:
    """Return the resource classes of the SDK, by reading every module of it."""
    root = linq.resources
    names = [module.name for module in pkgutil.walk_packages(root.__path__, f"{root.__name__}.")]
    values = [value for name in names for value in vars(importlib.import_module(name)).values()]
    bases = (SyncAPIResource, AsyncAPIResource)
    return {v for v in values if inspect.isclass(v) and issubclass(v, bases)} - {*bases}


def field_at(model: Any, path: tuple[str, ...]) -> Any:
    """Return the type of a model's field, None if there is no such field."""
    for name in path:
        fields = getattr(model, "model_fields", {})
        model = fields[name].annotation if name in fields else None
    return model


@pytest.fixture(scope="module", params=["sync", "async"])
def calls(request: pytest.FixtureRequest) -> Calls:
    """What each method of the installed SDK puts on the wire."""
    if request.param == "sync":
        return calls_of_sync_client()
    return asyncio.run(calls_of_async_client())


class TestTable:
    def test_every_method_of_the_sdk_has_a_row(self, calls: Calls) -> None:
        """Each method sends one request, and the request is called what the method is called."""
        found = {
            name: [operation_of(method, path).name for method, path in requests]
            for name, requests in calls.items()
        }

        assert found == {name: [name] for name in calls}

    @pytest.mark.skipif(INSTALLED < TABLE_IS_OF, reason="the SDK is older than the table")
    def test_every_row_has_a_method(self, calls: Calls) -> None:
        """A row names nothing that the SDK does not have."""
        assert {operation.name for operation in OPERATIONS} == set(calls)

    def test_every_resource_is_walked(self) -> None:
        """No resource class of the SDK is out of the walk's reach."""
        clients = (linq.LinqAPIV3(api_key="key"), linq.AsyncLinqAPIV3(api_key="key"))
        walked = {type(found) for client in clients for _, found in resources_below(client)}

        assert walked == resource_classes()

    def test_ids_are_where_the_models_have_them(self) -> None:
        """The first path to an id leads to a text in the model that the SDK's method returns."""
        with linq.LinqAPIV3(api_key="key") as client:
            answers = {name: get_type_hints(m)["return"] for name, m in methods_below(client)}
        types = {
            (operation.name, paths[0]): field_at(answers[operation.name], paths[0])
            for operation in OPERATIONS
            for paths in (operation.message_id_at, operation.chat_id_at)
            if paths and operation.name in answers
        }

        assert types == {**dict.fromkeys(types, str), **OPTIONAL_IDS}
