from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from linq_otel.viewer import ViewerOptions, open_viewer


if TYPE_CHECKING:
    from collections.abc import Iterator

    from linq_otel.viewer import Viewer


@pytest.fixture
def viewer() -> Iterator[Viewer]:
    """
    Yield a viewer that has got nothing yet.
    """
    with open_viewer(ViewerOptions(port=0)) as viewer:
        yield viewer
