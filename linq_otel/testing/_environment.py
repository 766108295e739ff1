"""
The variables by which an app under test finds the local Linq, and its signing secret.

They are set while a test runs, so that a client built without arguments cannot reach the real one.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from linq_otel._signing_secrets import SECRET_VARIABLE, split_secrets


if TYPE_CHECKING:
    from collections.abc import Generator


# Those that Linq's Python SDK reads.
BASE_URL: Final = "LINQ_API_V3_BASE_URL"
API_KEY: Final = "LINQ_API_V3_API_KEY"
WEBHOOK_SECRET: Final = SECRET_VARIABLE


@contextmanager
def set_variables(**values: str) -> Generator[None, None, None]:
    """
    Set environment variables while the block lasts.
    """
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def find_secret() -> str | None:
    """
    Return the signing secret the app is set up with; the first, if there are several.
    """
    return next(iter(split_secrets(os.environ.get(WEBHOOK_SECRET, ""))), None)
