"""Names that the server makes: a given beginning, and letters by chance."""

from __future__ import annotations

import random

#: No vowels and no look-alikes, so that a name is no word.
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_SUFFIX = 5
_LONGEST_PREFIX = 63 - _SUFFIX


def generate_name(base: str, rng: random.Random) -> str:
    """`web-` -> `web-x7k2m`, never longer than 63 characters."""
    return base[:_LONGEST_PREFIX] + "".join(rng.choices(_LETTERS, k=_SUFFIX))
