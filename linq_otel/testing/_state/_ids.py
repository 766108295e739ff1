"""
Ids that are the same in every run with the same seed.

Each id is drawn from its own generator, named by what the id is for, so that it does not depend on
which thread came first.
"""

from __future__ import annotations

import base64
import hashlib
import random
import threading
import uuid
from collections import Counter


class Ids:
    """
    Every random choice of one simulator.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._uses: Counter[str] = Counter()
        self._lock = threading.Lock()

    def random(self, *name: object) -> random.Random:
        """
        Open the generator of one name; the same name draws the same numbers.
        """
        return random.Random("/".join(map(str, (self._seed, *name))))  # noqa: S311 - must repeat

    def nth(self, *name: object) -> int:
        """
        Count the uses of a name, from 0.
        """
        key = hashlib.sha256("/".join(map(str, name)).encode()).hexdigest()
        with self._lock:
            self._uses[key] += 1
            return self._uses[key] - 1

    def uuid(self, *name: object) -> str:
        """
        A version 4 UUID.
        """
        return str(uuid.UUID(int=self.random("uuid", *name).getrandbits(128), version=4))

    def hex32(self, *name: object) -> str:
        """
        A W3C trace id.
        """
        return f"{self.random('hex32', *name).getrandbits(128) or 1:032x}"

    def secret(self, *name: object) -> str:
        """
        A signing secret as Linq hands it out.
        """
        key = self.random("secret", *name).randbytes(24)
        return "whsec_" + base64.b64encode(key).decode()
