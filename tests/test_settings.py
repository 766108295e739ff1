from __future__ import annotations

import logging
import re
from typing import Any, cast

import pytest
from opentelemetry.sdk.trace import TracerProvider

from linq_otel._environment import compile_excluded
from linq_otel._settings import Options, Settings
from linq_otel._shield import tally
from linq_otel.errors import ConfigurationError
from linq_otel.stores.memory import MemoryStore
from support import payloads as p


JOIN = "OTEL_PYTHON_LINQ_JOIN"
STAGES = "OTEL_PYTHON_LINQ_STAGES"
HTTP_SPANS = "OTEL_PYTHON_LINQ_HTTP_SPANS"
STORE = "OTEL_PYTHON_LINQ_STORE"
EXCLUDED = "OTEL_PYTHON_LINQ_EXCLUDED_URLS"
EVERYWHERE = "OTEL_PYTHON_EXCLUDED_URLS"
HOSTS = "OTEL_PYTHON_LINQ_HOSTS"
SECRET = "LINQ_WEBHOOK_SECRET"
ONE, OTHER = p.SECRET, p.OTHER_SECRET


def read(environ: dict[str, str] | None = None, **given: object) -> Settings:
    return Settings.read(cast("Options", given), environ or {})


async def coroutine(*_: object) -> None: ...


class Awaitable:
    async def __call__(self, *_: object) -> None:
        """Do nothing."""


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


class TestPrecedence:
    def test_defaults(self) -> None:
        """Nothing given and an empty environment is the default of every option."""
        assert read() == Settings(
            tracer_provider=None,
            store="memory:",
            join="linq",
            stages=True,
            http_spans="own",
            webhook_secrets=(),
            excluded_urls="",
            hosts=(),
            request_hook=None,
            response_hook=None,
            webhook_hook=None,
        )

    @pytest.mark.parametrize(
        ("option", "variable", "text", "from_environment", "keyword"),
        [
            ("join", JOIN, "app", "app", "message"),
            ("join", JOIN, " LINK ", "link", "linq"),
            ("stages", STAGES, "false", False, True),
            ("stages", STAGES, "0", False, True),
            ("stages", STAGES, "NO", False, True),
            ("stages", STAGES, "True", True, False),
            ("stages", STAGES, "1", True, False),
            ("http_spans", HTTP_SPANS, "nested", "nested", "own"),
            ("store", STORE, "sqlite:///linq.db", "sqlite:///linq.db", "memory:?size=9"),
            ("excluded_urls", EXCLUDED, "health,ping", "health,ping", ""),
            ("excluded_urls", "OTEL_PYTHON_EXCLUDED_URLS", "health", "health", "ping"),
        ],
    )
    def test_keyword_then_environment(
        self, option: str, variable: str, text: str, from_environment: object, keyword: object
    ) -> None:
        """A keyword wins over the environment, and the environment over the default."""
        environ = {variable: text}
        assert getattr(read(environ), option) == from_environment
        assert getattr(read(environ, **{option: keyword}), option) == keyword
        assert getattr(read(environ, **{option: None}), option) == from_environment

    @pytest.mark.parametrize(
        ("given", "environment", "secrets"),
        [
            (None, ONE, (ONE,)),
            (None, f"{ONE}, {OTHER}\n", (ONE, OTHER)),
            (None, f"v1,{ONE},v1,{OTHER}", (ONE, OTHER)),
            (None, "changeme", ("changeme",)),
            (OTHER, ONE, (OTHER,)),
            ([ONE, OTHER], "", (ONE, OTHER)),
            ([f" {ONE} {OTHER}\n"], "", (ONE, OTHER)),
            ((OTHER,), ONE, (OTHER,)),
            ("", ONE, (ONE,)),
            (" ", ONE, (ONE,)),
            (None, " ", ()),
        ],
    )
    def test_secrets(self, given: object, environment: str, secrets: tuple[str, ...]) -> None:
        """Secrets may be several while they are rotated, in either place."""
        assert read({SECRET: environment}, webhook_secret=given).webhook_secrets == secrets

    @pytest.mark.parametrize(
        ("given", "environment", "hosts"),
        [
            (None, "linq.test", ("linq.test",)),
            (None, " linq.test,linq.test:8080 ", ("linq.test", "linq.test:8080")),
            ("here.test", "linq.test", ("here.test",)),
            (["here.test", "there.test:1"], "", ("here.test", "there.test:1")),
            ("", "linq.test", ()),
            (None, " ", ()),
        ],
    )
    def test_hosts(self, given: object, environment: str, hosts: tuple[str, ...]) -> None:
        """Hosts may be several, in either place; an empty keyword is none."""
        assert read({HOSTS: environment}, hosts=given).hosts == hosts

    def test_our_excluded_urls_first(self) -> None:
        """The variable of this instrumentation wins over that of all of them."""
        environ = {EXCLUDED: "ours", "OTEL_PYTHON_EXCLUDED_URLS": "everybody's"}
        assert read(environ).excluded_urls == "ours"

    def test_objects(self) -> None:
        """Stores, providers and hooks are taken as they are."""
        store, provider = MemoryStore(), TracerProvider()
        settings = read(store=store, tracer_provider=provider, request_hook=print)
        assert settings == Settings(store=store, tracer_provider=provider, request_hook=print)
        provider.shutdown()

    def test_secret_stays_out_of_repr(self) -> None:
        """Settings may be logged."""
        assert ONE not in repr(read(webhook_secret=ONE))

    def test_process_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without a mapping, the environment of the process is read."""
        monkeypatch.setenv(JOIN, "message")
        assert Settings.read({}).join == "message"


class TestWrongKeyword:
    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"join": "trace"}, "join must be one of linq, app, message, link; it is 'trace'"),
            ({"join": []}, "join must be one of linq, app, message, link; it is []"),
            ({"http_spans": "none"}, "http_spans must be one of own, nested; it is 'none'"),
            ({"stages": "false"}, "stages must be True or False"),
            (
                {"excluded_urls": "a,("},
                "excluded_urls must be comma-separated regular expressions",
            ),
            ({"excluded_urls": 7}, "excluded_urls must be comma-separated regular expressions"),
            (
                {"store": object()},
                "store must be a URL or an object with is_shared, save, find, claim and close",
            ),
            (
                {"tracer_provider": "jaeger"},
                "tracer_provider must be an OpenTelemetry TracerProvider",
            ),
            ({"hosts": 7}, "hosts must be a host, host:port, or a list of them"),
            ({"hosts": [b"linq.test"]}, "hosts must be a host, host:port, or a list of them"),
            ({"webhook_secret": 7}, "webhook_secret must be a whsec_ text, or a list of them"),
            ({"webhook_secret": b"whsec_"}, "webhook_secret must be a whsec_ text, or a list"),
            ({"webhook_secret": [7]}, "webhook_secret must be a whsec_ text, or a list of them"),
            ({"hosts": ["a.test,b.test"]}, "hosts must be a host, host:port, or a list of them"),
            ({"hosts": "linq.test:port"}, "hosts must be a host, host:port, or a list of them"),
            ({"hosts": [""]}, "hosts must be a host, host:port, or a list of them"),
            ({"handle_key": " "}, "handle_key must be a text, not empty"),
            ({"late_after": 60.0}, "late_after needs late=clamp, link or a backend with a limit"),
            (
                {"late": "jaeger", "late_after": 60.0},
                "late_after needs late=clamp, link or a backend with a limit: late=jaeger keeps",
            ),
            ({"tracer_provider": TracerProvider}, "tracer_provider must be an OpenTelemetry"),
            ({"store": MemoryStore}, "store must be a URL or an object with is_shared, save"),
            ({"request_hook": coroutine}, "request_hook must be callable, and no coroutine"),
            ({"webhook_hook": Awaitable()}, "webhook_hook must be callable, and no coroutine"),
            (
                {"webhook_secret": "hello"},
                "webhook_secret must be 'whsec_' and base64: it does not",
            ),
            (
                {"webhook_secret": ["whsec_YQ=="]},
                "webhook_secret must be 'whsec_' and base64: it is",
            ),
            ({"request_hook": "print"}, "request_hook must be callable"),
            ({"response_hook": 7}, "response_hook must be callable"),
            ({"webhook_hook": {}}, "webhook_hook must be callable"),
            ({"jion": "linq"}, "unknown option 'jion'; the options are capture_content, carrier"),
        ],
    )
    def test_says_what_to_type(self, given: dict[str, Any], message: str) -> None:
        """Somebody typed it here, so it is an error, and says what would do."""
        with pytest.raises(ConfigurationError) as raised:
            read(**given)
        assert str(raised.value).startswith(message)

    @pytest.mark.parametrize(
        ("typed", "meant"),
        [
            ("secret", "webhook_secret"),
            ("signing_secret", "webhook_secret"),
            ("webhook_secrets", "webhook_secret"),
            ("jion", "join"),
            ("Store", "store"),
            ("store_url", "store"),
            ("timeout", "store_timeout"),
            ("exclude_urls", "excluded_urls"),
            ("trace_provider", "tracer_provider"),
        ],
    )
    def test_suggests_what_was_meant(self, typed: str, meant: str) -> None:
        """A name that is near an option is told so, whichever prefix it lacks."""
        with pytest.raises(ConfigurationError) as raised:
            read(**{typed: "x"})
        assert str(raised.value).endswith(f"webhook_secret; did you mean {meant!r}?")

    def test_suggests_nothing_far(self) -> None:
        """What is near no name is answered by the names alone."""
        with pytest.raises(ConfigurationError) as raised:
            read(api_key="x")
        assert str(raised.value).endswith("webhook_hook, webhook_secret")

    def test_secret_is_not_quoted(self) -> None:
        """An error about a secret does not hold it."""
        with pytest.raises(ConfigurationError) as raised:
            read(webhook_secret=[b"whsec_precious"])
        assert "precious" not in str(raised.value)


class TestWrongEnvironment:
    @pytest.mark.parametrize(
        ("variable", "text", "line"),
        [
            (JOIN, "trace", f"{JOIN} must be one of linq, app, message, link"),
            (STAGES, "maybe", f"{STAGES} must be one of true, 1, yes, false, 0, no"),
            (HTTP_SPANS, "none", f"{HTTP_SPANS} must be one of own, nested"),
        ],
    )
    def test_is_logged_and_passed_over(
        self, variable: str, text: str, line: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The app must start: one line, and the default."""
        with caplog.at_level(logging.WARNING, "linq_otel"):
            assert read({variable: text}) == Settings()
            assert read({variable: text}) == Settings()
        assert lines(caplog) == [f"{line}; its default is used instead (logged once)"]
        assert tally.counts() == {f"environment: {variable}": 2}

    @pytest.mark.parametrize(
        ("environ", "variable"),
        [
            ({EXCLUDED: "("}, EXCLUDED),
            ({EVERYWHERE: "("}, EVERYWHERE),
            ({EXCLUDED: "", EVERYWHERE: "("}, EVERYWHERE),
            ({EXCLUDED: "(", EVERYWHERE: "health"}, EXCLUDED),
        ],
    )
    def test_pattern(
        self, environ: dict[str, str], variable: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """What is no pattern excludes nothing, and is reported as the variable it stands in."""
        with caplog.at_level(logging.WARNING, "linq_otel"):
            assert read(environ) == Settings()
        line = f"{variable} holds no regular expression; it is ignored (logged once)"
        assert lines(caplog) == [line]

    @pytest.mark.parametrize("text", ["linq.test:port", "http://", "/v3", "a.test, b.test:x"])
    def test_hosts(self, text: str, caplog: pytest.LogCaptureFixture) -> None:
        """What is no host is reported: calls of it would be untraced without a word."""
        with caplog.at_level(logging.WARNING, "linq_otel"):
            assert read({HOSTS: text}) == Settings()
        assert lines(caplog) == [
            (
                f"{HOSTS} must be a host, host:port, or several with commas; it is ignored "
                "(logged once)"
            )
        ]

    @pytest.mark.parametrize("name", ["STUCK_AFTER", "STORE_TIMEOUT", "LATE_AFTER"])
    def test_number_without_end(self, name: str, caplog: pytest.LogCaptureFixture) -> None:
        """A number that no clock knows is wrong, and no error at start."""
        variable = f"OTEL_PYTHON_LINQ_{name}"
        with caplog.at_level(logging.WARNING, "linq_otel"):
            assert read({variable: "9" * 5000}) == Settings()
        assert lines(caplog) == [
            (
                f"{variable} must be a whole number of milliseconds; its default is used instead "
                "(logged once)"
            )
        ]

    def test_misspelt(self, caplog: pytest.LogCaptureFixture) -> None:
        """A name that is not read is told what was meant, and its value is not repeated."""
        environ = dict.fromkeys(
            (
                "OTEL_PYTHON_LINQ_JION",
                "OTEL_PYTHON_LINQ_QQQQQQQQQQQQQQQQ",
                "OTEL_PYTHON_LINQ_BACKEND",
                "OTEL_PYTHON_LINQ_BACKEND_REGION",
                "LINQ_WEBHOOK_SECRETS",
                "LINQ_WEBHOOK_URL",
                "LINQ_API_V3_API_KEY",
            ),
            "do-not-show",
        )
        with caplog.at_level(logging.WARNING, "linq_otel"):
            assert read(environ) == Settings()
            assert read({SECRET: ONE, "LINQ_WEBHOOK_SECRETS": OTHER}).webhook_secrets == (ONE,)
        assert lines(caplog) == [
            f"unknown variable OTEL_PYTHON_LINQ_JION; did you mean {JOIN}? (logged once)",
            "unknown variable OTEL_PYTHON_LINQ_QQQQQQQQQQQQQQQQ (logged once)",
            f"unknown variable LINQ_WEBHOOK_SECRETS; did you mean {SECRET}? (logged once)",
        ]

    def test_empty_is_unset(self, caplog: pytest.LogCaptureFixture) -> None:
        """An empty variable is one that is not set, as OpenTelemetry has it."""
        environ = dict.fromkeys((JOIN, STAGES, HTTP_SPANS, STORE, EXCLUDED, SECRET), "")
        with caplog.at_level(logging.WARNING, "linq_otel"):
            assert read(environ) == Settings()
        assert lines(caplog) == []


class TestExcludedUrls:
    @pytest.mark.parametrize(
        ("text", "url", "matches"),
        [
            ("health", "https://example.com/health", True),
            (" health , ping$", "https://example.com/ping", True),
            ("a|b,c", "https://example.com/c", True),
            ("ping$", "https://example.com/ping/7", False),
        ],
    )
    def test_any_of_them(self, text: str, url: str, *, matches: bool) -> None:
        """A URL is excluded if one of the expressions is found in it."""
        pattern = compile_excluded(text)
        assert pattern is not None
        assert bool(pattern.search(url)) is matches

    @pytest.mark.parametrize("text", ["", " ", ",", " , "])
    def test_none(self, text: str) -> None:
        """Nothing excludes nothing: an empty expression would match every URL."""
        assert compile_excluded(text) is None

    def test_no_expression(self) -> None:
        """What is no regular expression raises as ``re`` does."""
        with pytest.raises(re.error):
            compile_excluded("a,(")


class TestOptions:
    def test_are_the_settings(self) -> None:
        """Every option has a setting of its name, and every setting an option."""
        fields: dict[str, Any] = Settings.__dataclass_fields__
        options = set(Options.__annotations__)
        assert options - {"webhook_secret"} == set(fields) - {"webhook_secrets"}
