# SPDX-License-Identifier: Apache-2.0
"""The unit square as a template."""

from math import isqrt

import numpy as np
import torch
from mmengine.registry import MODELS
from torch import Tensor

from svr3d.geometry.template_meshes import square_mesh
from svr3d.models.templates.base import Template


@MODELS.register_module()
class SquareTemplate(Template):
    """The unit square: uniform random points, or a grid.

    Source: Groueix et al., "AtlasNet" (CVPR 2018), and model/template.py of
    ThibaultGROUEIX/AtlasNet.
    """

    dimensions = 2

    def random_points(
        self, patches: int, num_points: int, *, device: torch.device | str = "cpu"
    ) -> Tensor:
        """Draw points; see :class:`Template`."""
        return torch.rand(patches, num_points, 2, device=device)

    def regular_mesh(self, num_points: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the grid with the largest whole side; 166 points become 144.

        Args:
            num_points: At least 4.

        Raises:
            ValueError: If there are fewer.
        """
        if num_points < 4:
            raise ValueError(
                f"SquareTemplate: expected at least 4 points, found {num_points}"
            )
        return square_mesh(isqrt(num_points))
