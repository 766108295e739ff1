"""
The headers of a delivery: signed by both schemes, by one, by a stranger, and knocked about.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fuzz.odd import TEXTS, chance, make_long, make_odd
from support import payloads as p


if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from fuzz.odd import Secrets

    Pairs = list[tuple[Any, Any]]


NAMES: Final = tuple(name.lower() for name in p.headers_of(b"") if name != "content-type")
_OFFSETS: Final = (*(0,) * 12, 1, -1, 299, -299, 301, -301, 450, -450, 3_600, -86_400, 10**9)
_STAMPS: Final = (
    "", "soon", "-1", "1e9", "1790000100.5", " 1790000100", "1790000100 ", "0001790000100", "0",
    "9" * 11, "9" * 12, "9" * 400, "\uff11\uff17", "٣", "0x1", "1_0", "NaN", "inf", "+1790000100",
)  # fmt: skip
_SIGNATURES: Final = (
    "", " ", ",", "v1", "v1,", "v1,,", "v1,x", "v1,%%%", "v1,AAAA", "v2,AAAA", "v1a,AAAA", ",,, ,,",
    "v1,=", "v1,====", "v1,\t", "00", "sha256=", "sha256=00", "zz", "é", "\ud800", "v1,\x00",
)  # fmt: skip


def make_headers(random: Random, body: bytes, secrets: Secrets, *, now: int = p.SIGNED_AT) -> Pairs:
    """
    Make pairs of headers for *body*, most of which are as Linq sends them.
    """
    secret = p.OTHER_SECRET if chance(random, 12) else p.SECRET
    when = now + random.choice(_OFFSETS)
    make = random.choice((p.headers_of, p.headers_of, p.standard_headers, p.legacy_headers))
    pairs: Pairs = list(make(body, secret, signed_at=when).items())
    for _ in range(random.choice((0, 0, 0, 0, 0, 1, 2, 4))):
        random.choice(_CHANGES)(random, pairs, secrets)
    return pairs


def shape(random: Random, pairs: Pairs, secrets: Secrets) -> Callable[[], Any]:
    """
    Return what makes *pairs* anew as one framework or another has its headers.
    """
    if not chance(random, 3):
        return lambda: dict(pairs)
    odd = make_odd(random, secrets)
    few = random.choice((None, {}, [], (), "", "text", b"bytes", 5, [1], [()], [("a",)]))
    return random.choice((
        lambda: pairs,
        lambda: tuple(pairs),
        lambda: ((name, value) for name, value in pairs),
        lambda: [(_bytes_of(name), _bytes_of(value)) for name, value in pairs],
        lambda: {_capitals(name): value for name, value in pairs},
        lambda: {name: [value] for name, value in pairs},
        lambda: _gathered(pairs),
        lambda: few,
        lambda: odd,
    ))  # fmt: skip


def _drop(random: Random, pairs: Pairs, _secrets: Secrets) -> None:
    if pairs:
        pairs.pop(random.randrange(len(pairs)))


def _repeat(random: Random, pairs: Pairs, _secrets: Secrets) -> None:
    if pairs:
        pairs.insert(random.randrange(len(pairs) + 1), random.choice(pairs))


def _replace(random: Random, pairs: Pairs, secrets: Secrets) -> None:
    pairs.append((random.choice(NAMES), make_odd(random, secrets)))
    pairs.reverse()


def _restamp(random: Random, pairs: Pairs, _secrets: Secrets) -> None:
    name = random.choice(("webhook-timestamp", "X-Webhook-Timestamp"))
    pairs[:] = [pair for pair in pairs if pair[0] != name]
    pairs.append((name, random.choice(_STAMPS)))


def _resign(random: Random, pairs: Pairs, _secrets: Secrets) -> None:
    name = random.choice(("webhook-signature", "X-Webhook-Signature"))
    for at, (other, value) in enumerate(pairs):
        if other == name and isinstance(value, str):
            odd = random.choice((*_SIGNATURES, make_long(random)))
            several = (f"{odd} {value}", f"{value} {odd}", f"{value}  {value}", f"{value}\t{odd}")
            pairs[at] = (
                name,
                random.choice((odd, *several, value[:-1], value + "=", value.upper())),
            )


def _rename(random: Random, pairs: Pairs, _secrets: Secrets) -> None:
    if pairs:
        at = random.randrange(len(pairs))
        name, value = pairs[at]
        pairs[at] = (random.choice((_capitals(name), f" {name}", f"{name} ", None, 5, "")), value)


def _expose(random: Random, pairs: Pairs, secrets: Secrets) -> None:
    name = random.choice(("X-Webhook-Subscription-ID", "X-Webhook-Event", "X-Other", "Cookie"))
    pairs.insert(0, (name, random.choice((*secrets.all, *TEXTS))))


def _flood(random: Random, pairs: Pairs, _secrets: Secrets) -> None:
    at = random.randrange(len(pairs) + 1)
    pairs[at:at] = [("x-filler", "x")] * random.choice((5, 1_100))


_CHANGES: Final[tuple[Callable[[Random, Pairs, Secrets], None], ...]] = (
    _drop, _drop, _repeat, _replace, _replace, _restamp, _resign, _resign, _rename, _expose, _flood,
)  # fmt: skip


def _bytes_of(value: Any) -> Any:
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value


def _capitals(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


def _gathered(pairs: Pairs) -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found
