# SPDX-License-Identifier: Apache-2.0
"""Random choices in the words of furniture makers: lengths, styles and colours."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")

_PALETTES = {
    "wood": (
        (176, 124, 76),
        (140, 90, 52),
        (204, 164, 112),
        (108, 68, 44),
        (222, 192, 150),
    ),
    "metal": (
        (150, 154, 160),
        (92, 96, 102),
        (196, 198, 200),
        (58, 60, 66),
        (184, 150, 84),
    ),
    "fabric": (
        (168, 52, 48),
        (52, 92, 148),
        (90, 128, 84),
        (196, 176, 140),
        (112, 108, 116),
        (206, 142, 60),
        (92, 60, 104),
        (60, 128, 132),
    ),
    "paint": (
        (198, 40, 40),
        (36, 84, 168),
        (232, 232, 228),
        (44, 46, 52),
        (240, 184, 48),
        (52, 132, 84),
        (150, 160, 172),
        (222, 112, 48),
    ),
    "light": ((246, 226, 172), (250, 240, 214), (244, 208, 148), (228, 236, 240)),
    "linen": ((238, 236, 230), (222, 228, 236), (240, 228, 212)),
}


class Draws:
    """Named draws from one seeded generator."""

    def __init__(self, rng: np.random.Generator):
        self._rng = rng

    def length(self, low: float, high: float) -> float:
        """Return a uniform number in [low, high)."""
        return float(self._rng.uniform(low, high))

    def count(self, low: int, high: int) -> int:
        """Return a whole number from low to high, both included."""
        return int(self._rng.integers(low, high + 1))

    def chance(self, share: float) -> bool:
        """Return True with the given probability."""
        return bool(self._rng.random() < share)

    def pick(self, choices: Sequence[T]) -> T:
        """Return one of the choices."""
        return choices[int(self._rng.integers(len(choices)))]

    def color(self, *materials: str) -> tuple[int, int, int]:
        """Return an RGB colour of one of the materials, slightly varied."""
        base = np.array(self.pick(_PALETTES[self.pick(materials)]), dtype=np.float64)
        varied = base * self._rng.uniform(0.85, 1.12) + self._rng.uniform(-10, 10, 3)
        red, green, blue = np.clip(varied, 8, 250).astype(int).tolist()
        return red, green, blue


def darker(color: Sequence[int], share: float = 0.7) -> tuple[int, int, int]:
    """Return a darker shade of an RGB colour."""
    red, green, blue = (int(value * share) for value in color)
    return red, green, blue
