from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from linq_otel._environment import find_misspelt
from linq_otel._settings import Settings
from linq_otel.doctor._findings import tell
from linq_otel.doctor._variables import KNOWN, RULES, find_in_environment
from linq_otel.export._variables import BACKEND, REGION
from linq_otel.webhooks._options import WebhookSettings
from support.findings import in_environment


if TYPE_CHECKING:
    from collections.abc import Mapping


SECRETIVE = "do-not-show-me"
# Of these, any text is fit.
FREE = {
    "OTEL_PYTHON_LINQ_HANDLE_KEY",
    "OTEL_PYTHON_LINQ_HOSTS",
    "OTEL_PYTHON_LINQ_STORE",
    REGION,
}


def look(environ: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(f.title, f.remedy) for f in find_in_environment(environ)]


class TestSet:
    def test_names_alone(self) -> None:
        """The names are told, and no value: some are secrets."""
        environ = {
            "OTEL_PYTHON_LINQ_STORE": f"redis://:{SECRETIVE}@h/0",
            "LINQ_WEBHOOK_SECRET": SECRETIVE,
        }
        assert list(find_in_environment(environ)) == [
            tell("environment.set", "set: LINQ_WEBHOOK_SECRET, OTEL_PYTHON_LINQ_STORE")
        ]

    def test_none(self) -> None:
        """An environment of others is not spoken of."""
        assert look({"PATH": "/bin", "OTEL_SERVICE_NAME": "shop", "LINQ_API_V3_API_KEY": "k"}) == []


class TestMisspelt:
    def test_one_letter(self) -> None:
        """The name that was meant is told."""
        assert list(find_in_environment({"OTEL_PYTHON_LINQ_STROE": SECRETIVE})) == [
            tell(
                "environment.misspelt",
                "unknown variable OTEL_PYTHON_LINQ_STROE",
                detail="Did you mean OTEL_PYTHON_LINQ_STORE?",
                remedy="export OTEL_PYTHON_LINQ_STORE=…; unset OTEL_PYTHON_LINQ_STROE",
            )
        ]

    @pytest.mark.parametrize(
        ("name", "meant"),
        [
            ("OTEL_LINQ_JOIN", "OTEL_PYTHON_LINQ_JOIN"),
            ("LINQ_OTEL_CARRIER", "OTEL_PYTHON_LINQ_CARRIER"),
            ("OTEL_PYTHON_LINQ_WEBHOOKS_PATHS", "OTEL_PYTHON_LINQ_WEBHOOK_PATHS"),
            ("LINQ_WEBHOOK_SECRETS", "LINQ_WEBHOOK_SECRET"),
        ],
    )
    def test_other_words(self, name: str, meant: str) -> None:
        """So it is where the beginning is wrong, or a letter too many."""
        assert look({name: "x"}) == [
            (f"unknown variable {name}", f"export {meant}=…; unset {name}")
        ]

    def test_unlike_any(self) -> None:
        """What is like none is to be taken out."""
        assert look({"OTEL_PYTHON_LINQ_QQQQQQQQQQQQQQQQ": "x"})[0][1] == (
            "unset OTEL_PYTHON_LINQ_QQQQQQQQQQQQQQQQ"
        )

    def test_right_ones(self) -> None:
        """No variable of ours is misspelt, nor one of another package that is near."""
        others = ("LINQ_API_V3_API_KEY", "LINQ_BASE_URL", "OTEL_PYTHON_EXCLUDED_URLS", "LINQ_TOKEN")
        names = (*KNOWN, *others, "LINQ_WEBHOOK_SECRET", "LINQ_WEBHOOK_SECRET_OLD")
        assert find_misspelt(dict.fromkeys(names, "x")) == {}

    def test_as_the_app(self, caplog: pytest.LogCaptureFixture) -> None:
        """What the app logs and what the doctor tells is one rule."""
        environ = dict.fromkeys(
            ("OTEL_LINQ_JOIN", "OTEL_PYTHON_LNIQ_STORE", "LINQ_WEBHOOK_SECRETS", "LINQ_TOKEN"), "x"
        )
        with caplog.at_level(logging.DEBUG, "linq_otel"):
            Settings.read({}, environ)
        said = [
            f"{title}; did you mean {remedy.split('=')[0].removeprefix('export ')}? (logged once)"
            for title, remedy in look(environ)
        ]
        assert sorted(said) == sorted(caplog.messages)
        assert len(said) == 3


class TestInvalid:
    def test_join(self) -> None:
        """A value nobody understands is told by its rule, and not repeated."""
        assert in_environment("environment.inv", OTEL_PYTHON_LINQ_JOIN=SECRETIVE) == [
            ("environment.invalid", "warning", "export OTEL_PYTHON_LINQ_JOIN=linq")
        ]
        assert look({"OTEL_PYTHON_LINQ_JOIN": SECRETIVE})[1][0] == (
            "OTEL_PYTHON_LINQ_JOIN must be one of linq, app, message, link"
        )

    def test_every_variable_has_a_rule(self) -> None:
        """Each variable has one, save where any text will do."""
        assert set(RULES) | FREE == set(KNOWN)

    @pytest.mark.parametrize(
        "name", sorted(set(RULES) - {BACKEND, "OTEL_PYTHON_LINQ_CAPTURE_CONTENT"})
    )
    def test_agrees_with_the_app(self, name: str, caplog: pytest.LogCaptureFixture) -> None:
        """What is told to be wrong is what the app itself complains of, and nothing else is."""
        complaints: dict[str, bool] = {}
        for value in ("[", "0", "true", "/hooks", "linq", "mark", "nested", "none", "keep", "7"):
            caplog.clear()
            with caplog.at_level(logging.DEBUG, "linq_otel"):
                Settings.read({}, {name: value})
                WebhookSettings.read(
                    {}, {name: value, "OTEL_PYTHON_LINQ_WEBHOOK_PATHS": "/w"} | {name: value}
                )
            complaints[value] = bool(caplog.records)
        assert complaints == {value: not RULES[name][0](value) for value in complaints}
