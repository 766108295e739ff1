"""
Where webhooks enter a framework, for apps that do not add our middleware themselves.

Each module here puts one wrapper in, as far inside the framework as it can:
inside the SERVER span of any instrumentation, whichever was loaded first. Each
is imported once its framework is, and an app pays for nothing it does not use.
"""

from __future__ import annotations

from typing import Final


SEAMS: Final = {
    "starlette.middleware.exceptions": "starlette",
    "flask": "flask",
    "django.core.handlers.base": "django",
    "aiohttp.web": "aiohttp",
}
"""The module of a framework to wait for, and the module here that knows it."""
