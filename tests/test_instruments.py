from __future__ import annotations

import re
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from linq_otel import _attributes
from linq_otel._instruments import INSTRUMENTS


if TYPE_CHECKING:
    from linq_otel._instruments import Instrument

ROOT = Path(__file__).parents[1]
KEYS = {value for name, value in vars(_attributes).items() if name.isupper()}


def script() -> Any:
    spec = util.spec_from_file_location("gen", ROOT / "docs" / "making" / "generate_metrics.py")
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("instrument", INSTRUMENTS, ids=lambda one: str(one.name))
class TestInstrument:
    def test_is_named_as_the_conventions_have_it(self, instrument: Instrument) -> None:
        """Ours begin with ``linq.``, and a unit is UCUM or a thing in braces."""
        assert re.fullmatch(r"(linq|messaging|http)(\.[a-z][a-z_]*)+", instrument.name)
        assert re.fullmatch(r"s|\{[a-z]+\}", instrument.unit)
        assert instrument.description.endswith(".")

    def test_attributes_are_known(self, instrument: Instrument) -> None:
        """It is counted by attributes the page lists."""
        assert set(instrument.attributes) <= KEYS

    def test_buckets(self, instrument: Instrument) -> None:
        """A histogram names its bounds, in order; others have none."""
        assert bool(instrument.buckets) == (instrument.kind == "histogram")
        assert list(instrument.buckets) == sorted(set(instrument.buckets))


class TestPage:
    def test_is_not_stale(self) -> None:
        """The page is what ``python docs/making/generate_metrics.py`` writes."""
        assert script().PAGE.read_text("utf-8") == script().render(INSTRUMENTS)
