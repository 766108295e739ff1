"""
Every instrumentor of this package with one call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from ._settings import Settings, refuse_unknown
from .instrumentor import LinqInstrumentor
from .webhooks._options import WebhookOptions, WebhookSettings, split
from .webhooks._receiver import check_secrets, find_secrets
from .webhooks.instrumentor import LinqWebhooksInstrumentor


if TYPE_CHECKING:
    from typing_extensions import Unpack


def instrument(**options: Unpack[WebhookOptions]) -> None:
    """
    Trace calls of the Linq API and the webhooks that follow them, in whatever this app uses.

    Args:
        **options: See :class:`linq_otel.Options`, and for webhook endpoints
            :class:`linq_otel.webhooks.instrumentor.WebhookOptions`; each may
            be left out.

    Raises:
        ConfigurationError: If an option has a value we cannot use.
    """
    refuse_unknown(options, WebhookOptions.__annotations__)
    own, shared = split(options)
    # Before anything is patched.
    settings = WebhookSettings.read(own)
    secrets = Settings.read(shared).webhook_secrets if shared else find_secrets()
    check_secrets(secrets, enforce=settings.enforce)
    LinqInstrumentor().instrument(**cast("dict[str, Any]", shared))
    LinqWebhooksInstrumentor().instrument(**own)


def uninstrument() -> None:
    """
    Give the original functions back and forget the options.
    """
    for instrumentor in (LinqWebhooksInstrumentor(), LinqInstrumentor()):
        instrumentor.uninstrument()
