from __future__ import annotations

from types import SimpleNamespace

import pytest

from linq_otel._operations import find_id


class Hostile(dict[str, object]):
    """Raises whatever is asked of it."""

    def get(self, *_: object) -> object:
        """Raise, as a mapping with a mind of its own may."""
        raise RuntimeError


class HostileModel:
    @property
    def message(self) -> str:
        """Raise, as a property of a model may."""
        raise RuntimeError

    message_id = "m2"


class TestFindId:
    @pytest.mark.parametrize(
        ("answer", "found"),
        [
            ({"message": {"id": "m1"}}, "m1"),
            (SimpleNamespace(message=SimpleNamespace(id="m1")), "m1"),
            ({"message": SimpleNamespace(id="m1")}, "m1"),
            ({"message_id": "m2", "message": {"id": None}}, "m2"),
            ({"message_id": "m2", "message": "accepted"}, "m2"),
            ({"message": {"id": 7}}, None),
            ({"message": {"id": ""}}, None),
            ({"message": []}, None),
            ({"message": Hostile(id="m1"), "message_id": "m2"}, "m2"),
            (HostileModel(), "m2"),
            (Hostile(message_id="m2"), None),
            ({}, None),
            ([], None),
            (None, None),
            (b"{}", None),
        ],
    )
    def test_first_text_wins(self, answer: object, found: str | None) -> None:
        """Paths are tried in order, through mappings and attributes alike."""
        assert find_id(answer, (("message", "id"), ("message_id",))) == found

    def test_without_paths(self) -> None:
        """An operation that names no ids has none."""
        assert find_id({"id": "m1"}, ()) is None
