from __future__ import annotations

import re
from importlib import util
from pathlib import Path
from typing import Any

from linq._constants import DEFAULT_MAX_RETRIES, DEFAULT_TIMEOUT

from linq_otel import _attributes
from linq_otel._instruments import CALL_DURATION, INSTRUMENTS, SEND_DURATION


# The SDK ignores a Retry-After that is longer.
LONGEST_WAIT = 60
ROOT = Path(__file__).parents[1]
KEYS = {value for name, value in vars(_attributes).items() if name.isupper()}


def script() -> Any:
    spec = util.spec_from_file_location("gen", ROOT / "docs" / "making" / "generate_metrics.py")
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class TestInstruments:
    def test_are_named_as_the_conventions_have_it(self) -> None:
        """Ours begin with ``linq.``, and a unit is UCUM or a thing in braces."""
        wrong = [
            (one.name, one.unit, one.description)
            for one in INSTRUMENTS
            if not re.fullmatch(r"(linq|messaging|http)(\.[a-z][a-z_]*)+", one.name)
            or not re.fullmatch(r"s|\{[a-z]+\}", one.unit)
            or not one.description.endswith(".")
        ]
        assert wrong == []

    def test_attributes_are_known(self) -> None:
        """Each is counted by attributes the page lists."""
        unknown = {one.name: set(one.attributes) - KEYS for one in INSTRUMENTS}
        assert unknown == {one.name: set() for one in INSTRUMENTS}

    def test_buckets(self) -> None:
        """A histogram names its bounds, in order; others have none."""
        wrong = [
            (one.name, one.buckets)
            for one in INSTRUMENTS
            if bool(one.buckets) != (one.kind == "histogram")
            or list(one.buckets) != sorted(set(one.buckets))
        ]
        assert wrong == []

    def test_calls_fit_in_their_buckets(self) -> None:
        """The slowest call: every try times out, and Linq asks for the longest wait before each."""
        retries, timeout = DEFAULT_MAX_RETRIES, DEFAULT_TIMEOUT.read or 0
        slowest = (retries + 1) * timeout + retries * LONGEST_WAIT
        assert {one.name: one.buckets[-1] >= slowest for one in (CALL_DURATION, SEND_DURATION)} == {
            "linq.client.operation.duration": True,
            "messaging.client.operation.duration": True,
        }


class TestPage:
    def test_is_not_stale(self) -> None:
        """The page is what ``python docs/making/generate_metrics.py`` writes."""
        assert script().PAGE.read_text("utf-8") == script().render(INSTRUMENTS)
