from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.metric_readings import Meterage


if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def meterage() -> Iterator[Meterage]:
    """Yield a meter provider, and what it measures."""
    meterage = Meterage()
    yield meterage
    meterage.provider.shutdown()
