"""
``linq-otel simulate --to URL``: shows an endpoint what Linq would send it, and says how it did.
"""

from __future__ import annotations

import secrets
import sys
from typing import Annotated

import typer

from linq_otel.testing import EVENT_TYPES, SCENARIOS
from linq_otel.testing._state._ids import Ids
from linq_otel.testing._state._messages import OWN_LINE
from linq_otel.testing._trials._plans import UNKNOWN, Wishes
from linq_otel.testing._trials._runs import TrialRun
from linq_otel.testing._trials._verdicts import TIME_LIMIT
from linq_otel.testing._webhooks._events import NEWEST, VERSIONS
from linq_otel.testing._webhooks._subjects import SOMEONE

from ._simulate_options import (
    ALL,
    BOTH,
    announce,
    check_number,
    check_url,
    choose,
    choose_versions,
    find_secret,
    parse_duration,
)
from ._simulate_report import print_choices, run_trials


def add_simulate_commands(app: typer.Typer) -> None:
    """
    Add the command to *app*.
    """
    app.command(rich_help_panel="Your webhooks")(simulate)


def simulate(  # noqa: PLR0913  # Options, each with a default.
    *,
    to: Annotated[
        str | None, typer.Option("--to", metavar="URL", help="Your webhook endpoint.")
    ] = None,
    scenarios: Annotated[
        list[str] | None,
        typer.Option(
            "--scenario",
            metavar="NAME",
            autocompletion=lambda: [*SCENARIOS, ALL],
            help="Send the webhooks of this scenario; several times for several, or all.",
        ),
    ] = None,
    events: Annotated[
        list[str] | None,
        typer.Option(
            "--event",
            metavar="TYPE",
            autocompletion=lambda: [*EVENT_TYPES, UNKNOWN, ALL],
            help="Send one event of this type; several times for several, or all. "
            f"'{UNKNOWN}' is a type that Linq has yet to invent.",
        ),
    ] = None,
    version: Annotated[
        str,
        typer.Option(
            "--payload-version",
            autocompletion=lambda: [*VERSIONS, BOTH],
            help=f"{', '.join(VERSIONS)} or {BOTH}.",
        ),
    ] = NEWEST,
    duplicates: Annotated[
        int | None, typer.Option(min=0, max=100, help="Send each webhook this many more times.")
    ] = None,
    late: Annotated[
        float | None,
        typer.Option(
            parser=parse_duration, metavar="DURATION", help="They happened this long ago: 3h, 2d."
        ),
    ] = None,
    out_of_order: Annotated[
        bool, typer.Option("--out-of-order", help="In another order than they happened.")
    ] = False,
    forged: Annotated[
        bool | None,
        typer.Option(
            "--forged/--no-forged",
            show_default=False,
            help="A run begins with three webhooks that must not pass: one with a wrong signature, "
            "one with an old one, one with half a body. --forged adds one without a signature, and "
            "one with a wrong one before each; --no-forged sends none of these.",
        ),
    ] = None,
    secret: Annotated[
        str | None,
        typer.Option(
            metavar="SECRET",
            help="What your endpoint verifies with, whsec_...; without it LINQ_WEBHOOK_SECRET, "
            "or one that is made up and printed.",
        ),
    ] = None,
    count: Annotated[
        int, typer.Option(min=1, max=10_000, help="Messages of each scenario, rounds of events.")
    ] = 1,
    speed: Annotated[
        float, typer.Option(min=0, help="Simulated seconds per second; 0 waits for nothing.")
    ] = 0.0,
    seed: Annotated[
        int | None,
        typer.Option(help="Of every id and of a made-up secret; the ids are new without it."),
    ] = None,
    attempts: Annotated[
        int, typer.Option(min=1, max=20, help="Tries of a webhook where Linq would try again.")
    ] = 2,
    time_limit: Annotated[
        float,
        typer.Option(
            min=0.1, max=3_600, metavar="SECONDS", help="For an answer; Linq's own limit is 10."
        ),
    ] = TIME_LIMIT,
    line: Annotated[str, typer.Option("--from", help="Your number in the webhooks.")] = OWN_LINE,
    handle: Annotated[str, typer.Option(help="The other's number.")] = SOMEONE,
    any_number: Annotated[
        bool, typer.Option("--any-number", help="Take numbers that may be somebody's, too.")
    ] = False,
    is_list: Annotated[
        bool, typer.Option("--list", help="Print the scenarios and event types, and send nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """
    Send signed webhooks to your own endpoint, as Linq would, and say how it answered.

    For writing a webhook handler, traced or not: linq-otel simulate --to
    http://localhost:8000/webhooks/linq --scenario duplicates --forged

    Each row is one request; what Linq would not like is named with what to do. An endpoint that
    verifies nothing does not pass. Nothing follows a redirect. Exits with 0 if every answer is as
    Linq would like it, 1 if one is not, 2 if the command was not understood or the endpoint cannot
    be reached.
    """
    if is_list:
        print_choices(sys.stdout, as_json=as_json)
        return
    numbers = (check_number(one, any_number=any_number) for one in (line, handle))
    wishes = Wishes(
        *choose(scenarios, events),
        versions=choose_versions(version),
        duplicates=duplicates,
        late=late or 0.0,
        out_of_order=out_of_order,
        forged=forged,
        count=count,
        seed=secrets.randbits(32) if seed is None else seed,
        speed=speed,
        line=next(numbers),
        handle=next(numbers),
    )
    known = find_secret(secret)
    run = TrialRun(
        check_url(to),
        # The same each time, so that an endpoint that was started with it can stay up.
        known or Ids(seed or 0).secret("simulate"),
        wishes,
        attempts=attempts,
        time_limit=time_limit,
    )
    announcement = announce(run, is_made_up=known is None)
    raise typer.Exit(run_trials(run, announcement, sys.stdout, sys.stderr, as_json=as_json))
