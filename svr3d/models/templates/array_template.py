# SPDX-License-Identifier: Apache-2.0
"""Points of a file as a template."""

from pathlib import Path

import numpy as np
import torch
from mmengine.registry import MODELS
from torch import Tensor

from svr3d.errors import ConfigError
from svr3d.models.templates.base import Template


@MODELS.register_module()
class ArrayTemplate(Template):
    """The points of an array, always all of them in their order, without triangles.

    The program of the Dispersion Score ships two for its FoldNet, 2,025 points in a
    ball (SPHERE) and normally distributed (GAUSSIAN).
    """

    def __init__(self, file: str):
        """Read the points.

        Args:
            file: ``.npy`` file with an array (m, d), d being 2 or 3.

        Raises:
            ConfigError: If the file is missing or holds something else.
        """
        super().__init__()
        path = Path(file).expanduser()
        if not path.is_file():
            raise ConfigError(f"ArrayTemplate: expected the file {path}, found none")
        try:
            points = np.load(path, allow_pickle=False)
        except (ValueError, OSError) as error:
            raise ConfigError(
                f"{path}: expected an array in numpy's format, found: {error}"
            ) from error
        if getattr(points, "ndim", 0) != 2 or points.shape[1] not in (2, 3):
            raise ConfigError(
                f"{path}: expected points (m, 2) or (m, 3), found shape "
                f"{getattr(points, 'shape', 'of an archive')}"
            )
        self.points = points.astype(np.float32)
        self.dimensions = points.shape[1]

    def random_points(
        self, patches: int, num_points: int, *, device: torch.device | str = "cpu"
    ) -> Tensor:
        """Return the points for each patch: nothing about them is random."""
        points, _ = self.regular(num_points, device=device)
        return points.expand(patches, -1, -1)

    def regular_mesh(self, num_points: int) -> tuple[np.ndarray, None]:
        """Return the points.

        Raises:
            ValueError: If another number of points is wanted.
        """
        if num_points != len(self.points):
            raise ValueError(
                f"num_points: expected {len(self.points)}, the points of the file, "
                f"found {num_points}"
            )
        return self.points, None
