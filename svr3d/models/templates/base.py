# SPDX-License-Identifier: Apache-2.0
"""What templates share: random points of them, and a regular set with triangles."""

from abc import ABC, abstractmethod

import numpy as np
import torch
from torch import Tensor


class Template(ABC):
    """A surface with points of its own, which a head deforms.

    Attributes:
        dimensions: Coordinates d of a point.
    """

    dimensions: int

    def __init__(self):
        self._regular: dict[tuple, tuple[Tensor, Tensor | None]] = {}

    @abstractmethod
    def random_points(
        self, patches: int, num_points: int, *, device: torch.device | str = "cpu"
    ) -> Tensor:
        """Draw points from torch's generator, for each patch others.

        Args:
            patches: Copies P of the template.
            num_points: Points n of each.
            device: Where they are made.

        Returns:
            (P, n, d) float32.
        """

    @abstractmethod
    def regular_mesh(self, num_points: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Return regular points, about as many as wanted, and their triangles.

        Args:
            num_points: Points wanted; templates say what they make of the number.

        Returns:
            Points (m, d), and faces (F, 3), or None for a template without triangles.
        """

    def regular(
        self, num_points: int, *, device: torch.device | str = "cpu"
    ) -> tuple[Tensor, Tensor | None]:
        """Return :meth:`regular_mesh` as tensors, which are kept.

        Args:
            num_points: Points wanted.
            device: Where they are to be.

        Returns:
            Points (m, d) float32, and faces (F, 3) int64 or None.
        """
        key = num_points, str(device)
        if key not in self._regular:
            points, faces = self.regular_mesh(num_points)
            self._regular[key] = (
                torch.tensor(points, dtype=torch.float32, device=device),
                None if faces is None else torch.tensor(faces, device=device),
            )
        return self._regular[key]
