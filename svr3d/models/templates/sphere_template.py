# SPDX-License-Identifier: Apache-2.0
"""The unit sphere as a template."""

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.registry import MODELS
from torch import Tensor

from svr3d.geometry.template_meshes import icosphere
from svr3d.models.templates.base import Template


@MODELS.register_module()
class SphereTemplate(Template):
    """The unit sphere: uniform random points, or an icosphere.

    Source: model/template.py of ThibaultGROUEIX/AtlasNet.
    """

    dimensions = 3

    def __init__(self, subdivisions: int = 4):
        """Set up the template.

        Args:
            subdivisions: Of the icosphere; 4 give 2,562 points.

        Raises:
            ValueError: If the number is negative.
        """
        super().__init__()
        if subdivisions < 0:
            raise ValueError(
                f"SphereTemplate: expected subdivisions from 0, found {subdivisions}"
            )
        self.subdivisions = subdivisions

    def random_points(
        self, patches: int, num_points: int, *, device: torch.device | str = "cpu"
    ) -> Tensor:
        """Draw points; see :class:`Template`."""
        drawn = torch.randn(patches, num_points, 3, device=device)
        return F.normalize(drawn, dim=-1)

    def regular_mesh(self, num_points: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the icosphere, whatever number of points is wanted."""
        return icosphere(self.subdivisions)
