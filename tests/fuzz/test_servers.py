"""
Rows of real servers in which somebody has written what is no origin.
"""

from __future__ import annotations

from contextlib import closing
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from fuzz.odd import make_secrets, make_uuid
from fuzz.rows import make_origin, make_row
from linq_otel._origins import Origin
from linq_otel.errors import UnreadableOriginError
from support.redis_servers import open_redis
from support.sql_servers import open_maria, open_postgres
from support.sql_store_engines import sql_engine
from support.store_engines import redis_engine


if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.store_engines import Engine


pytestmark = pytest.mark.slow


SERVERS: dict[str, Any] = {
    "redis": (open_redis, redis_engine),
    "postgresql": (open_postgres, sql_engine),
    "mysql": (open_maria, sql_engine),
}


@pytest.fixture(scope="module", params=SERVERS)
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """
    Yield each engine that has a server.
    """
    open_server, make_engine = SERVERS[request.param]
    with open_server(tmp_path_factory.mktemp(request.param)) as server:
        yield make_engine(server.url)


class TestRows:
    def test_what_is_no_origin(self, engine: Engine) -> None:
        """It is found to be one, or said to be none; the row beside it is found as before."""
        random = Random(4)
        with closing(engine.open()) as store:
            outcomes = [self._spoil_and_find(random, engine, store) for _ in range(80)]
        assert outcomes.count("no origin") > 10
        assert outcomes.count("origin") > 10

    def _spoil_and_find(self, random: Random, engine: Engine, store: Any) -> str:
        origin = make_origin(random, make_uuid(random), f"{random.getrandbits(128):032x}")
        store.save(origin)
        first, *others = origin.keys
        # Not every database has a place for half a character.
        row = make_row(random, origin, make_secrets(random)).encode(errors="replace").decode()
        engine.spoil(first, row)
        assert store.find(*others) == (others[0], origin)
        try:
            key, found = store.find(first)
        except UnreadableOriginError as error:
            assert origin.traceparent not in str(error)  # noqa: PT017  # One may come, or none.
            return "no origin"
        assert key == first
        assert Origin.from_json(found.to_json()).keys == found.keys
        return "origin"
