"""
Values that do not belong where they are put, and private ones that must never be seen again.

Everything here asks a `random.Random` for its choices. Hypothesis has one whose choices it can
shrink, and a plain one makes thousands of inputs a second from a seed: both fuzz the same.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar


if TYPE_CHECKING:
    from random import Random


T = TypeVar("T")

_NAMES: Final = ("ada", "grace", "edsger", "barbara", "alan", "radia")
_WORDS: Final = ("meet me", "at the mill", "bring the plans", "it's a boy!", "pin", "señor 🎉")

NUMBERS: Final = (
    0, 1, -1, 255, 4001, 99_999, 100_000, 2**31, 2**53, 2**63 - 1, 2**63, 2**64, 10**30,
    -(2**63) - 1, 0.0, -0.0, 0.5, 1e300, float("inf"), float("-inf"), float("nan"),
)  # fmt: skip

TEXTS: Final = (
    "", " ", "\x00", "\n", "null", "None", "true", "0", "-1", "1e999", "NaN", "\ud800",
    "\udfff\ud800", "a\ud800b1", "\u202e1a", "\ufeff", "é1", "\uff11\uff12\uff13", "٣", "K1",
    "../../etc/passwd", "${jndi:x}",
    "%s%s%n", "{0.__class__}", "__class__", "<script>1</script>", "'; DROP TABLE linq_origins;--",
    "f" * 32, "0" * 32, "g" * 32, "1" * 7, "1" * 15, "1" * 16, "1-" * 60, "-" * 64, "_1", "1_",
    "00000000-0000-0000-0000-000000000000", "a" * 127 + "1", "a" * 128 + "1",
    "message.sent", "outbound", "inbound", "iMessage", "RCS", "2026-02-03",
)  # fmt: skip

TIMES: Final = (
    "2026-02-05T19:52:22.593689073Z", "2026-02-05t19:52:22z", "2026-02-05 19:52:22+00:00",
    "2026-02-05T19:52:22.5936890731234Z", "1969-12-31T23:59:59Z", "1999-12-31T23:59:59Z",
    "2000-01-01T00:00:00+23:59", "2199-12-31T23:59:59.999999999-23:59", "2200-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z",
    "2026-02-05T24:00:00Z", "2026-02-05T23:59:60Z", "2026-02-05T19:52:22", "2026-02-05",
    "2026-02-05T19:52:22+99:99", "\uff12\uff10\uff12\uff16-02-05T19:52:22Z", "1770321142",
    "2026-02-05T19:52:22.Z",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Secrets:
    """
    What one message holds that is nobody's business.

    Attributes:
        phone: A number of somebody, as people write it.
        email: An address of somebody.
        text: What was said.
    """

    phone: str
    email: str
    text: str

    @property
    def all(self) -> tuple[str, ...]:
        """
        Each of them.
        """
        return self.phone, self.email, self.text


def make_secrets(random: Random) -> Secrets:
    """
    Make up a person and a text.
    """
    local = f"{random.randrange(10_000_000):07}"
    name = random.choice(_NAMES)
    phone = random.choice((
        f"+1555{local}", f"1555{local}", f"555{local}", f"(555) {local[:3]}-{local[3:]}",
        f"1-555-{local[:3]}-{local[3:]}", f"555_{local}", f"tel:+1555{local}",
        f"iMessage;-;+1555{local}", local,
    ))  # fmt: skip
    email = f"{name}.{local}@example.{random.choice(('com', 'org'))}"
    return Secrets(phone, email, f"{random.choice(_WORDS)}, {name} {local}")


def make_uuid(random: Random) -> str:
    """
    Make a message, chat or event id.
    """
    return str(uuid.UUID(int=random.getrandbits(128), version=4))


def make_linq_trace_id(random: Random) -> str:
    """
    Make a Linq trace id: mostly as documented, sometimes as Linq's own samples have it.
    """
    sound = f"{random.getrandbits(128):032x}"
    return random.choice(
        (sound, sound, sound, sound.upper(), sound[:31], f"trace-{sound}", "0" * 32)
    )


def make_odd(random: Random, secrets: Secrets, depth: int = 2) -> Any:
    """
    Make a value that need not be of any type that is expected.
    """
    kind = random.randrange(9 if depth else 7)
    if kind < 2:
        return random.choice(TEXTS)
    return (
        lambda: random.choice(NUMBERS),
        lambda: random.choice((None, True, False, (), [], {})),
        lambda: random.choice(TIMES),
        lambda: random.choice(secrets.all),
        lambda: make_long(random),
        lambda: [make_odd(random, secrets, depth - 1) for _ in range(random.randrange(3))],
        lambda: {random.choice(TEXTS): make_odd(random, secrets, depth - 1)},
    )[kind - 2]()


def make_long(random: Random) -> str:
    """
    Make a text that is far too long.
    """
    return random.choice(("a", "1", "-", "1-", "\ud800", "é", " ", "{", "[1,")) * random.choice(
        (100, 256, 5_000)
    )


def chance(random: Random, one_in: int) -> bool:
    """
    Answer True once in *one_in* times.
    """
    return random.randrange(one_in) == one_in - 1
