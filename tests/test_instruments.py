from __future__ import annotations

import re
from importlib import util
from pathlib import Path
from typing import Any

from linq_otel import _attributes
from linq_otel._instruments import INSTRUMENTS


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


class TestPage:
    def test_is_not_stale(self) -> None:
        """The page is what ``python docs/making/generate_metrics.py`` writes."""
        assert script().PAGE.read_text("utf-8") == script().render(INSTRUMENTS)
