"""
Finds words that a reader stumbles over in lines that a change adds.

::

    python -m support.plain_words        # What is staged for the next commit.
    python -m support.plain_words main   # What differs from a branch.

Text that stands is not looked at: it changes when its lines do.
"""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Iterator


# Each with what to say in its place.
WORDS = {
    "anybody": "name the subject",
    "at hand": "say where it is",
    "had better": "say must, or should",
    "is none": "say what it is instead",
    "is to be": "say must",
    "mend": "fix, repair",
    "mended": "fixed, repaired",
    "mends": "fixes, repairs",
    "nobody": "name the subject",
    "of ours": "name the subject",
    "overhear": "capture on read",
    "parted": "split over several traces",
    "somebody": "name the subject",
    "torn": "split over several traces",
    "weave": "replace method, instrument",
    "whatever": "name what it is",
    "whoever": "name the subject",
    "woven": "instrumented",
}
# Code may say `is None`.
_FOUND = re.compile(rf"\b(?!(?-i:is None)\b)({'|'.join(WORDS)})\b", re.IGNORECASE)
_HUNK = re.compile(r"@@ -\S+ \+(\d+)")
# Where the words are listed, and where they are tested.
_LISTED = {"tests/support/plain_words.py", "tests/test_contributing.py"}


def find_words(diff: str) -> Iterator[str]:
    """
    Yield a line for each word in what *diff* adds: file, line, word, and what to say.
    """
    path, number = "", 0
    for line in diff.splitlines():
        hunk = _HUNK.match(line)
        if line.startswith("+++ "):
            path = line[4:].removeprefix("b/")
        elif hunk:
            number = int(hunk[1])
        elif line.startswith("+"):
            if path not in _LISTED:
                for match in _FOUND.finditer(line):
                    word = match[1].lower()
                    yield f"{path}:{number}: {word} ({WORDS[word]})"
            number += 1


def read_diff(base: str | None) -> str:
    """
    Return what is staged, or what differs from *base*, in Python and Markdown.
    """
    since = [base] if base else ["--cached"]
    command = ["git", "diff", "-U0", "--no-color", *since, "--", "*.py", "*.md"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main() -> int:
    """
    Print what is found, and answer 1 if anything is.
    """
    found = list(find_words(read_diff(next(iter(sys.argv[1:]), None))))
    print("\n".join(found), end="\n" * bool(found))  # noqa: T201  # Its job.
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
