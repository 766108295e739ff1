"""
The support bundle on disk: Markdown to paste into a ticket, JSON for programs.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, cast

from linq_otel.errors import ConfigurationError


if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ._reports import Report


_PRIVATE: Final = 0o600
_WORDS: Final = {
    "time_utc": "Time (UTC)", "time_local": "Time (organisation)", "endpoint": "Endpoint",
    "operation": "What it does", "status": "Status", "delivery": "Verdict",
    "error_code": "Error code", "error_message": "Error", "throttled_by": "Limit met",
    "source": "Triggered by", "attempt": "Attempt", "duration_ms": "Duration, ms",
    "linq_trace_id": "Linq trace id", "crm_trace_id": "CRM trace id",
    "crm_request_id": "CRM request id", "crm_ids": "CRM ids", "event_id": "Event id",
    "entry_id": "Row id", "rate_limit_remaining": "Calls left in the interval",
    "rate_limit_daily_remaining": "Calls left that day", "request_body": "Request body",
    "response_body": "Response body", "row": "Row", "clock_skew_ms": "Clock skew, ms",
    "otel_trace_id": "OpenTelemetry trace", "probably_of": "Probably of the trace",
    "error_type": "Error type", "message_id": "Message id",
}  # fmt: skip


def render_markdown(report: Report) -> str:
    """
    Return the report as Markdown.
    """
    lines = [f"# Report on {report.asked}", ""]
    if report.sent is not None:
        way = "came in" if "receiving_trace" in report.sent else "was sent"
        lines += [f"## The message, as it {way}", "", *_list(report.sent), ""]
    for number, call in enumerate(report.calls, start=1):
        lines += [f"## Call {number} of {len(report.calls)}", "", *_table(call), ""]
    lines += ["## The same record within two minutes", ""]
    lines += [_line(call) for call in report.neighbours] or ["Nothing else in the rows given."]
    lines += ["", "## Missing", ""]
    lines += [f"- {one}" for one in report.missing] or ["Nothing."]
    lines += ["", "## Taken out", "", *_counts(report.redactions)]
    lines += ["", f"Written by linq-otel {report.version}. Read it before you send it.", ""]
    return "\n".join(lines)


def render_json(report: Report) -> str:
    """
    Return the report as JSON.
    """
    return json.dumps(asdict(report), indent=2, ensure_ascii=False) + "\n"


def write_report(report: Report, folder: Path) -> tuple[Path, Path]:
    """
    Write both files, for their owner's eyes alone; returns their paths.

    Raises:
        ConfigurationError: A file is there already, or cannot be written.
    """
    texts = {"report.md": render_markdown(report), "report.json": render_json(report)}
    paths = [folder / name for name in texts]
    written: list[Path] = []
    path = paths[0]
    try:
        for path, text in zip(paths, texts.values(), strict=True):
            # Not replaced: a bundle that is there may have been sent, and may be asked about.
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
            written.append(path)
            with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
                file.flush()
                os.fsync(handle)
    except OSError as error:
        for one in written:
            one.unlink(missing_ok=True)
        raise ConfigurationError(f"{path.name} cannot be written: {error.strerror}") from error
    return paths[0], paths[1]


def _table(call: Mapping[str, Any]) -> list[str]:
    rows = [f"| {_WORDS[name]} | {_cell(value)} |" for name, value in call.items()]
    return ["| | |", "|---|---|", *rows]


def _cell(value: object) -> str:
    if isinstance(value, dict):
        pairs = cast("dict[str, object]", value).items()
        return ", ".join(f"{name} `{one}`" for name, one in pairs)
    return "`" + str(value).replace("`", "'").replace("|", "\\|") + "`"


def _list(found: Mapping[str, Any]) -> list[str]:
    return [f"- {name.replace('_', ' ')}: {_cell(one)}" for name, one in found.items() if one]


def _line(call: Mapping[str, Any]) -> str:
    return (
        f"- {call['time_utc']} {call['operation']}: {call.get('status', 'no answer')} "
        f"{call['delivery']} ({call['row']})"
    )


def _counts(redactions: Mapping[str, int]) -> Sequence[str]:
    return [f"- {name.replace('_', ' ')}: {count}" for name, count in redactions.items()] or [
        "Bodies, headers with secrets, phone numbers and addresses: none were kept."
    ]
