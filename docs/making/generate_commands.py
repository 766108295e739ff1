# ruff: noqa: INP001  # A script.
"""
Writes ``docs/commands.md`` from the command line itself, whichever commands it has by now.

::

    python docs/making/generate_commands.py
"""

from __future__ import annotations

import re
from inspect import cleandoc
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typer.main import get_command

from linq_otel.cli._app import app


if TYPE_CHECKING:
    from collections.abc import Iterator


PAGE = Path(__file__).parents[1] / "commands.md"

_HEAD = """\
# Commands

What `linq-otel` can be asked for, and how each command ends. This page is made from the commands by
`python docs/making/generate_commands.py`. They come with `pip install 'linq-otel[cli]'`; `view`
needs `linq-otel[view]`, and `demo` needs `linq-otel[demo]`.

| exit code | meaning |
|--:|---|
| 0 | all is as it should be |
| 1 | the command ran, and what it looked at is not as it should be |
| 2 | it was not understood, or cannot run here: a line on standard error says what to type |

Where a command has other codes, it says so below. `--json` prints one document and nothing else.
In a pipe or a file the output is plain text, 100 columns wide; `NO_COLOR` is respected.
`linq-otel --install-completion` teaches your shell the commands.
"""
_CODE = re.compile(r"``([^`]+)``")
_QUIET = {"help", "install_completion", "show_completion"}


def find_commands() -> dict[str, Any]:
    """
    Return every command by its name, a subcommand by both.
    """
    return dict(sorted(_walk("", get_command(app))))


def _walk(prefix: str, group: Any) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _walk(f"{prefix}{name} ", command)
        elif not command.hidden:
            yield prefix + name, command


def render(commands: dict[str, Any]) -> str:
    """
    Return the whole page.
    """
    lines = [_HEAD, "| command | what it is for |", "|---|---|"]
    for name, command in commands.items():
        anchor = name.replace(" ", "-")
        lines.append(f"| [`{name}`](#linq-otel-{anchor}) | {_first_sentence(command)} |")
    for name, command in commands.items():
        lines += ["", *_describe(name, command)]
    return "\n".join([*lines, ""])


def _first_sentence(command: Any) -> str:
    return _clean(command.help).partition("\n\n")[0].replace("\n", " ")


def _describe(name: str, command: Any) -> Iterator[str]:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option"]
    options = [one for one in options if one.name not in _QUIET and not one.hidden]
    shown = "".join(f" {_usage_of(one)}" for one in arguments)
    yield from (f"## `linq-otel {name}`", "", "```text")
    yield from (f"linq-otel {name}{' [OPTIONS]' if options else ''}{shown}", "```", "")
    yield _clean(command.help)
    if arguments:
        yield from ("", "| argument | meaning |", "|---|---|")
        yield from (f"| `{_metavar(one)}` | {_cell(one.help)} |" for one in arguments)
    if options:
        yield from ("", "| option | meaning | default |", "|---|---|---|")
        yield from (_row(one) for one in options)


def _usage_of(argument: Any) -> str:
    return _metavar(argument) if argument.required else f"[{_metavar(argument)}]"


def _row(option: Any) -> str:
    words = ", ".join(f"`{word}`" for word in (*option.opts, *option.secondary_opts))
    value = "" if option.is_flag else f" `{_metavar(option)}`"
    return f"| {words}{value} | {_cell(option.help)} | {_default_of(option)} |"


def _metavar(parameter: Any) -> str:
    return str(parameter.metavar or parameter.name.strip("_").upper())


def _default_of(option: Any) -> str:
    default = option.default
    if default in (None, "", (), []) or callable(default) or isinstance(default, bool):
        return ""
    return f"`{default}`"


def _cell(words: str | None) -> str:
    return _clean(words or "").replace("\n", " ").replace("|", "\\|")


def _clean(words: str) -> str:
    # ``\b`` keeps typer from wrapping what follows; here that is a block of code.
    text = _CODE.sub(r"`\1`", cleandoc(words.replace("\f", "")))
    paragraphs = [_paragraph(one) for one in text.split("\n\n")]
    return "\n\n".join(filter(None, paragraphs))


def _paragraph(words: str) -> str:
    is_code = words.startswith("\b")
    words = words.removeprefix("\b").strip("\n")
    return f"```text\n{words}\n```" if is_code and words else words.strip()


if __name__ == "__main__":
    PAGE.write_text(render(find_commands()), "utf-8")
