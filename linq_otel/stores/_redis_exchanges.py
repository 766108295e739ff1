"""
Commands that go to Redis together, and their answers.

Whatever goes wrong on the way is a StoreError: nothing of the driver's comes
out of a store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._redis_errors import FAILURES, is_at_wrong_place, refusal


if TYPE_CHECKING:
    from ._redis_clients import Client, ClientSource


Command = tuple[object, ...]


def exchange(source: ClientSource, commands: list[Command]) -> list[Any]:
    """
    Send all *commands* at once; answers that are text come as bytes.

    Raises:
        StoreError: If Redis refuses one of them, or cannot be reached.
    """
    if not commands:
        return []
    client = source.get_client()
    try:
        return _send(client, commands, is_cluster=source.is_cluster)
    except Exception as error:
        _refuse(source, client, error)
        raise


def _send(client: Client, commands: list[Command], *, is_cluster: bool) -> list[Any]:
    # Bytes, whatever the client decodes: what is no text is an answer, too.
    if len(commands) == 1:
        (command,) = commands
        if command[0] == "SET":
            return [client.execute_command(*command, NEVER_DECODE=True)]
        if not is_cluster:
            # A client that caches must be told of the keys.
            return [client.execute_command(*command, keys=command[1:], NEVER_DECODE=True)]
    with client.pipeline(transaction=False) as pipeline:
        for command in commands:
            pipeline.execute_command(*command, NEVER_DECODE=True)
        answers: list[Any] = pipeline.execute()
    return answers


def _refuse(source: ClientSource, client: Client, error: Exception) -> None:
    """
    Raise a StoreError for whatever the driver, or the way to Redis, is to blame for.
    """
    source.check_open()
    # A connection that another thread closes meanwhile fails in any way.
    if source.is_current(client) and not isinstance(error, FAILURES):
        return
    if is_at_wrong_place(error):
        source.forget_client(client)
    # Without its cause: the driver's own words may hold a secret.
    raise refusal(source.place, error) from None
