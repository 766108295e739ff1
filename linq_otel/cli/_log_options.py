"""
The options with which every command reads integration logs, and how such a command ends.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from linq_otel.errors import ConfigurationError
from linq_otel.integration_logs import ReadOptions
from linq_otel.integration_logs._fields._spellings import spelling_of


if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


EXIT_NOTHING_USABLE: Final = 1
"""Not one row could be used, or nothing could be sent."""
EXIT_IN_PART: Final = 3
"""Some rows were rejected, or not all could be sent; the rest was used."""


Files = Annotated[
    list[str],
    typer.Argument(metavar="FILE...", help="Files or globs; - is standard input; gzip is read."),
]
FormatOption = Annotated[
    str | None,
    typer.Option(
        "--format",
        help="ndjson, json, csv, har, panel, caddy, cloudflare, envoy, mitmproxy, nginx or pino.",
    ),
]
EncodingOption = Annotated[
    str | None, typer.Option(help="Of text that is not UTF-8 and has no byte order mark.")
]
TimezoneOption = Annotated[
    str | None,
    typer.Option(
        metavar="ZONE", help="Of times that name none: America/Denver, or -07:00. Never guessed."
    ),
]
DstOption = Annotated[str, typer.Option(help="Of a repeated hour: earlier or later.")]
UsZonesOption = Annotated[bool, typer.Option("--us-zones", help="Read EST, MDT and their like.")]
DateOrderOption = Annotated[
    str | None,
    typer.Option(metavar="ORDER", help="How 04/11/2025 is meant: mdy, dmy, or ymd for 25/11/04."),
]
DateOption = Annotated[
    datetime | None,
    typer.Option(
        "--date",
        formats=["%Y-%m-%d"],
        help="Day of rows with a time alone; of a date without a year, the one nearest to it.",
    ),
]
BaseUrlOption = Annotated[
    str | None, typer.Option(metavar="URL", help="What relative URLs hang under.")
]
MapOption = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="COLUMN=FIELD",
        help="Your name of a column, ours after it; https://{host}{path}=url joins two.",
    ),
]
ProviderOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="The CRM of rows that do not tell.")
]


def read_options(  # noqa: PLR0913  # One of each option.
    *,
    format_: str | None,
    encoding: str | None,
    timezone: str | None,
    dst: str,
    us_zones: bool,
    date_order: str | None,
    date: datetime | None,
    base_url: str | None,
    columns: Sequence[str] | None,
    provider: str | None,
    **more: Any,
) -> ReadOptions:
    """
    Return how files are read.

    Raises:
        ConfigurationError: An option has a value that cannot be used.
    """
    chosen: dict[str, Any] = {"format": format_, "dst": dst, "date_order": date_order}
    return ReadOptions(
        **chosen,
        encoding=encoding,
        timezone=timezone,
        us_zones=us_zones,
        day=date.date() if date else None,
        base_url=base_url,
        columns=_parse_columns(columns or ()),
        provider=provider,
        **more,
    )


def _parse_columns(pairs: Sequence[str]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for pair in pairs:
        column, _, field = pair.rpartition("=")
        if not column or spelling_of(field) is None:
            raise ConfigurationError(
                "--map takes COLUMN=FIELD, as in --map Fecha=timestamp; the fields are those of a "
                "row: timestamp, method, url, status, source and so on"
            )
        found[column] = field
    return found
