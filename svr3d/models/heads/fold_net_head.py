# SPDX-License-Identifier: Apache-2.0
"""A head that folds a grid of points twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from mmengine.registry import MODELS
from torch import Tensor, nn

from svr3d.models.heads.deformed_template import template_structure
from svr3d.models.layers.code_reduction import check_reduction, reduce_code
from svr3d.models.layers.normalized_points import norm_and_activate
from svr3d.models.layers.outer_sum_norm import normalized_sums
from svr3d.models.layers.pointwise_linear import PointwiseLinear, pointwise_linear
from svr3d.models.templates import Template
from svr3d.registry import HEADS

if TYPE_CHECKING:
    from svr3d.structures import Mesh, PointCloud


@HEADS.register_module()
class FoldNetHead(nn.Module):
    """Moves the points of a template by a network, and what comes out by a second one.

    Both are given the code beside each point. The points are the template's regular
    ones in training too.

    Source: Yang et al., "FoldingNet" (CVPR 2018), in the form of FoldNet in
    model/baseline_models.py of YefanZhou/dispersion-score.
    """

    def __init__(
        self,
        template: dict | Template,
        *,
        code_features: int = 1024,
        hidden_features: int = 512,
        num_points: int = 2500,
        code_reduction: str = "flatten",
    ):
        """Set up the networks.

        Args:
            template: What is folded: ``SquareTemplate``, or ``ArrayTemplate`` with the
                points of a file.
            code_features: Length of the code.
            hidden_features: Features of a point between the layers.
            num_points: Points of the template; a square needs a square number.
            code_reduction: How a code that is a coarse grid becomes a vector, 'mean'
                or 'flatten'; see ``OccupancyHead``.

        Raises:
            ValueError: If the template has another number of points.
        """
        super().__init__()
        self.template = (
            template if isinstance(template, Template) else MODELS.build(template)
        )
        points, _ = self.template.regular_mesh(num_points)
        if len(points) != num_points:
            raise ValueError(
                f"FoldNetHead: num_points: expected a number that the template has "
                f"({len(points)} would do), found {num_points}"
            )
        self.code_features, self.num_points = code_features, num_points
        self.code_reduction = check_reduction(code_reduction, "FoldNetHead")
        dimensions = self.template.dimensions
        self.first = _Folding(code_features, dimensions, hidden_features)
        self.second = _Folding(code_features, 3, hidden_features)

    def forward(self, code: Tensor) -> dict[str, Tensor]:
        """Decode codes.

        Args:
            code: (B, C) or (B, C, r, r, r).

        Returns:
            ``points`` (B, num_points, 3), and ``faces`` (F, 3) of templates that have
            them.

        Raises:
            ValueError: If the code has another length.
        """
        code = reduce_code(code, self.code_reduction)
        if code.shape[1] != self.code_features:
            raise ValueError(
                f"FoldNetHead: expected codes of {self.code_features} numbers, found "
                f"{code.shape[1]}"
            )
        points, faces = self.template.regular(self.num_points, device=code.device)
        outputs = {"points": self.second(self.first(points, code), code)}
        return outputs if faces is None else outputs | {"faces": faces}

    def to_structure(self, outputs: dict[str, Tensor]) -> Mesh | PointCloud:
        """Return the folded template as meshes, or clouds if it has no faces.

        Args:
            outputs: What :meth:`forward` returned.
        """
        return template_structure(outputs["points"], outputs.get("faces"))


class _Folding(nn.Module):
    """Points and a code to points: three layers, two norms."""

    def __init__(self, code_features: int, dimensions: int, hidden: int):
        super().__init__()
        # Takes the code first, then the coordinates.
        self.entry = nn.Linear(code_features + dimensions, hidden)
        self.entry_norm = nn.BatchNorm1d(hidden)
        self.layer = PointwiseLinear(hidden, hidden)
        self.norm = nn.BatchNorm1d(hidden)
        self.output_layer = PointwiseLinear(hidden, 3)

    def forward(self, points: Tensor, code: Tensor) -> Tensor:
        """Fold points (n, d), common to all samples, or (B, n, d)."""
        dimensions = points.shape[-1]
        of_code = self.entry.weight[:, :-dimensions]
        of_points = self.entry.weight[:, -dimensions:]
        # Half precision would tear neighbours apart.
        with torch.autocast(code.device.type, enabled=False):
            code = code.to(torch.promote_types(code.dtype, torch.float32))
            vectors = F.linear(code, of_code)
            moved = pointwise_linear(points.to(code), of_points, self.entry.bias)
        if points.ndim == 2:
            x = F.relu_(normalized_sums(moved, vectors, self.entry_norm))
        else:
            x = norm_and_activate(moved + vectors.unsqueeze(1), self.entry_norm, 0.0)
        x = norm_and_activate(self.layer(x), self.norm, 0.0)
        return self.output_layer(x)
