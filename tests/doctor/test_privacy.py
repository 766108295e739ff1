from __future__ import annotations

import logging

from linq_otel.doctor import examine
from support.findings import in_environment, pick


CONTENT = "OTEL_PYTHON_LINQ_CAPTURE_CONTENT"
HEADERS = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST"
SANITIZE = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS"


class TestPrivacy:
    def test_nothing_shown(self) -> None:
        """By default nothing is shown."""
        assert in_environment("privacy") == [("privacy", "ok", "")]

    def test_texts(self) -> None:
        """Texts are shown if the app and the environment say so."""
        assert pick(
            examine(environ={CONTENT: "true"}, is_live=False, capture_content=True), "privacy"
        ) == [("privacy.content", "warning", f"unset {CONTENT}")]

    def test_texts_allowed(self) -> None:
        """The variable alone only allows it."""
        assert in_environment("privacy", **{CONTENT: "yes"}) == [
            ("privacy.content.allowed", "note", f"unset {CONTENT}")
        ]

    def test_handles(self) -> None:
        """Keyed hashes are told, and the key is not."""
        environ = {"OTEL_PYTHON_LINQ_HANDLE_KEY": "do-not-show-me"}
        found = examine(environ=environ, is_live=False)
        assert pick(found, "privacy") == [("privacy.handles", "note", "")]
        assert "do-not-show-me" not in repr(found)

    def test_headers(self) -> None:
        """Contrib's variables record tokens and signatures; to sanitize alone records nothing."""
        fields = "authorization,cookie,webhook-signature,x-webhook-signature"
        assert in_environment("privacy", **{HEADERS: ".*", SANITIZE: "cookie"}) == [
            ("privacy.headers", "warning", f"unset {HEADERS}, or export {SANITIZE}={fields}")
        ]
        assert in_environment("privacy", **{SANITIZE: "cookie"}) == [("privacy", "ok", "")]

    def test_log_of_the_sdk(self) -> None:
        """The SDK's debug log holds bodies."""
        assert in_environment("privacy", LINQ_API_V3_LOG="DEBUG") == [
            ("privacy.debug", "warning", "export LINQ_API_V3_LOG=info")
        ]

    def test_loggers_of_the_app(self) -> None:
        """So may a logger that the app has turned up."""
        logger, handler = logging.getLogger("httpcore"), logging.NullHandler()
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
        try:
            found = examine(environ={}, is_live=True)
        finally:
            logger.removeHandler(handler)
            logger.setLevel(logging.NOTSET)
        assert pick(found, "privacy") == [
            ("privacy.debug", "warning", "logging.getLogger('httpcore').setLevel(logging.INFO)")
        ]
