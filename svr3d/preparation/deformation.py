# SPDX-License-Identifier: Apache-2.0
"""Random deformations that make new training shapes from known ones."""

from dataclasses import asdict, dataclass

import numpy as np


@dataclass(frozen=True)
class Deformation:
    """A stretch along the axes, then tapers towards the top and the front.

    It keeps symmetry to the plane x = 0, never folds a mesh over and never turns a
    face inside out.

    Attributes:
        stretch: Factors of x, y and z, positive.
        taper_up: Relative growth of x and z from the middle to the top, and their
            shrinking to the bottom; below 1 in magnitude.
        taper_front: The same for x and y along z.
    """

    stretch: tuple[float, float, float]
    taper_up: float
    taper_front: float

    @classmethod
    def draw(
        cls, rng: np.random.Generator, *, spread: float = 0.2, taper: float = 0.3
    ) -> "Deformation":
        """Draw a deformation.

        Args:
            rng: Source of randomness.
            spread: Standard deviation of the factors' logarithms.
            taper: Largest magnitude of the tapers, uniformly drawn.
        """
        stretch = np.exp(rng.normal(0.0, spread, size=3))
        up, front = rng.uniform(-taper, taper, size=2)
        return cls(tuple(float(s) for s in stretch), float(up), float(front))

    def apply(self, vertices: np.ndarray) -> np.ndarray:
        """Deform points.

        Args:
            vertices: Positions (V, 3) around the origin, y up.

        Returns:
            (V, 3), float64.
        """
        points = np.asarray(vertices, dtype=np.float64) * self.stretch
        reach = np.maximum(np.abs(points).max(axis=0), 1e-12)
        up = 1 + self.taper_up * points[:, 1] / reach[1]
        front = 1 + self.taper_front * points[:, 2] / reach[2]
        return points * np.stack([up * front, front, up], axis=1)

    def to_dict(self) -> dict:
        """Return the parameters as JSON can hold them."""
        return {**asdict(self), "stretch": list(self.stretch)}
