"""
What ``linq-otel doctor`` does for each of its options.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from linq_otel._settings import Settings
from linq_otel.doctor import examine, examine_files, find_mark, leave_mark
from linq_otel.doctor._capture import examine_samples
from linq_otel.doctor._capture_files import read_files
from linq_otel.doctor._capture_stores import find_sends
from linq_otel.doctor._listening import Listener
from linq_otel.doctor._samples import Samples
from linq_otel.doctor._variables import without_invalid
from linq_otel.errors import ConfigurationError

from ._doctor_app import run_app
from ._doctor_lines import spell_arrival
from ._doctor_screen import build_document, print_findings
from ._stores import find_url
from ._waterfall import build_console


if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import IO

    from linq_otel._settings import Options
    from linq_otel.doctor import Finding


EXIT_OK: Final = 0
EXIT_PROBLEM: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorRun:
    """
    What ``doctor`` was asked for.

    Attributes:
        app: What to import, if anything.
        options: Options that win over those in force.
        clock_url: Whose clock to compare with.
        files: Recorded webhooks.
        sends: Recorded answers to sends.
        port: Where to listen for webhooks; None listens nowhere.
        count: After how many of them to end.
        seconds: After how many seconds.
        save: Where to write them.
        as_json: True prints one document.
    """

    app: str | None
    options: Options
    clock_url: str | None
    files: tuple[str, ...]
    sends: tuple[str, ...]
    port: int | None
    count: int | None
    seconds: float | None
    save: Path | None
    as_json: bool


def run_doctor(run: DoctorRun) -> int:
    """
    Examine what was asked for; returns the exit code.
    """
    if run.port is not None:
        return _report(_listen(run), as_json=run.as_json)
    if run.files or run.sends:
        return _report(
            examine_files(run.files, sends=run.sends, **run.options), as_json=run.as_json
        )
    with _waiting():
        if run.app is not None:
            run_app(run.app)
        # Else it is found out: `opentelemetry-instrument linq-otel doctor` has a provider too.
        is_live = True if run.app is not None else None
        found = examine(is_live=is_live, clock_url=run.clock_url, **run.options)
    return _report(found, as_json=run.as_json)


def run_mark(store: str | None, code: str | None, *, as_json: bool) -> int:
    """
    Leave a mark in a store, or find the one with *code*; returns the exit code.
    """
    url = find_url(store)
    found = leave_mark(url)[1] if code is None else find_mark(url, code)
    return _report(found, as_json=as_json)


def _report(findings: list[Finding], *, as_json: bool) -> int:
    if as_json:
        sys.stdout.write(json.dumps(build_document(findings), indent=2, ensure_ascii=True) + "\n")
    else:
        print_findings(findings, build_console())
    is_bad = any(finding.severity == "problem" for finding in findings)
    return EXIT_PROBLEM if is_bad else EXIT_OK


def _listen(run: DoctorRun) -> list[Finding]:
    settings = Settings.read(run.options, without_invalid(os.environ))
    out = sys.stderr if run.as_json else sys.stdout
    with ExitStack() as opened:
        file = opened.enter_context(_open(run.save)) if run.save is not None else None

        def tell(line: str) -> None:
            out.write(line + "\n")
            out.flush()

        def note(found: Samples, record: dict[str, Any]) -> None:
            tell(spell_arrival(found, settings.webhook_secrets))
            if file is not None and record:
                _write(file, f"{json.dumps(record)}\n".encode())

        listener = opened.enter_context(_open_listener(run.port or 0, note, tell))
        ends = "Ctrl-C ends it" if run.count is None else f"ends after {run.count} or with Ctrl-C"
        out.write(f"Listening on {listener.url} ({ends}). Forward your webhooks here.\n")
        out.flush()
        try:
            listener.wait(run.count, run.seconds)
        except KeyboardInterrupt:
            out.write("\n")
        except OSError as error:
            raise ConfigurationError(f"what arrived cannot be written: {error.strerror}") from error
        samples = Samples.of([listener.samples, read_files([*run.files, *run.sends])])
    return examine_samples(samples, settings, partial(find_sends, settings.store))


def _open_listener(port: int, note: Any, tell: Any) -> Listener:
    try:
        return Listener(port, note, tell)
    except OSError as error:
        raise ConfigurationError(
            f"port {port} cannot be listened on: {error.strerror}; type --listen 0 for a free one"
        ) from error


def _open(path: Path) -> IO[bytes]:
    # What is written holds texts and phone numbers: it is its owner's alone.
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from error
    # With no buffer, since that would fail a second time as it is closed.
    return os.fdopen(descriptor, "ab", buffering=0)


def _write(file: IO[bytes], content: bytes) -> None:
    while content:
        content = content[file.write(content) :]


def _waiting() -> AbstractContextManager[object]:
    console = build_console(sys.stderr)
    return console.status("examining…") if console.is_terminal else nullcontext()
