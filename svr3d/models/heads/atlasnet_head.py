# SPDX-License-Identifier: Apache-2.0
"""The head of AtlasNet: patches of a template, deformed by networks of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from mmengine.registry import MODELS
from torch import Tensor, nn

from svr3d.models.heads.deformed_template import template_structure
from svr3d.models.layers.code_reduction import check_reduction, reduce_code
from svr3d.models.layers.normalized_points import (
    normalize_points,
    running_affine,
)
from svr3d.models.layers.outer_sum_norm import normalized_sums
from svr3d.models.layers.patch_activations import find_activation
from svr3d.models.layers.patch_linear import PatchLinear
from svr3d.models.templates import Template
from svr3d.registry import HEADS

if TYPE_CHECKING:
    from svr3d.structures import Mesh, PointCloud

_EVALUATION = ("regular", "random")


@HEADS.register_module()
class AtlasNetHead(nn.Module):
    """Deforms copies of a template, each by a network of its own, given the code.

    A point's features are a layer of its template's coordinates plus the code, then
    layers with batch norms, all the same for every point of a patch. Training draws the
    template's points, as many as ``num_points`` over all patches, anew each time; they
    are common to the samples of a batch. Evaluation takes its regular points and gives
    a mesh. The networks of all patches run as one.

    Source: Groueix et al., "AtlasNet: a papier-mache approach to learning 3D surface
    generation" (CVPR 2018), and model/atlasnet.py and model/model_blocks.py of
    ThibaultGROUEIX/AtlasNet.
    """

    def __init__(
        self,
        template: dict | Template,
        *,
        num_patches: int = 1,
        features: int = 1024,
        code_features: int | None = None,
        hidden_features: int = 512,
        num_layers: int = 2,
        activation: str = "relu",
        batch_norm: bool = True,
        num_points: int = 2500,
        num_points_eval: int = 2500,
        eval_template: str = "regular",
        code_reduction: str = "flatten",
    ):
        """Set up the networks.

        Args:
            template: What is deformed, a part such as ``SphereTemplate``.
            num_patches: Copies P of the template.
            features: Features of a point behind the first layer, and of the code that
                is added to them (the bottleneck).
            code_features: Length of the code where that is another, so that a layer
                makes ``features`` of it; None for no such layer.
            hidden_features: Features behind the second layer and those that follow.
            num_layers: Layers between the second and the last.
            activation: 'relu', 'sigmoid', 'softplus', 'logsigmoid', 'softsign' or
                'tanh'.
            batch_norm: Whether there is a batch norm in front of each activation.
            num_points: Points of a training sample, shared out among the patches.
            num_points_eval: The same for regular points; templates round it: squares
                down to a square number, spheres always give theirs.
            eval_template: 'regular', or 'random' for points drawn as in training, as
                the synthetic study of the Dispersion Score evaluates; a prediction is
                then a point cloud.
            code_reduction: How a code that is a coarse grid becomes a vector, 'mean'
                or 'flatten'; see ``OccupancyHead``.

        Raises:
            ValueError: If an option is unknown, or a patch would have no points.
        """
        super().__init__()
        if eval_template not in _EVALUATION:
            raise ValueError(
                f"AtlasNetHead: expected eval_template of {_EVALUATION}, found "
                f"{eval_template!r}"
            )
        if not 1 <= num_patches <= min(num_points, num_points_eval):
            raise ValueError(
                "AtlasNetHead: expected at least one patch with a point each, found "
                f"num_patches={num_patches}, num_points={num_points}, "
                f"num_points_eval={num_points_eval}"
            )
        self.template = (
            template if isinstance(template, Template) else MODELS.build(template)
        )
        self.num_patches = num_patches
        self.features = features
        self.relu = activation == "relu"
        self.activation = find_activation(activation, "AtlasNetHead")
        self.num_points, self.num_points_eval = num_points, num_points_eval
        self.eval_template = eval_template
        self.code_reduction = check_reduction(code_reduction, "AtlasNetHead")
        self.code_layer = (
            None if code_features is None else nn.Linear(code_features, features)
        )
        widths = [hidden_features] * (num_layers + 1)
        self.point_layer = PatchLinear(num_patches, self.template.dimensions, features)
        self.layers = nn.ModuleList(
            PatchLinear(num_patches, inputs, outputs)
            for inputs, outputs in zip([features, *widths], widths, strict=False)
        )
        self.last_layer = PatchLinear(num_patches, hidden_features, 3)
        self.norms = None
        if batch_norm:
            self.norms = nn.ModuleList(
                nn.BatchNorm1d(num_patches * width) for width in (features, *widths)
            )

    def forward(self, code: Tensor) -> dict[str, Tensor]:
        """Decode codes.

        Args:
            code: (B, C) or (B, C, r, r, r).

        Returns:
            ``points`` (B, M, 3), patch after patch; and ``faces`` (F, 3) of one patch
            where the points are the regular ones of a template with triangles.

        Raises:
            ValueError: If the code has another length.
        """
        device = code.device
        if self.training or self.eval_template == "random":
            total = self.num_points if self.training else self.num_points_eval
            each = total // self.num_patches
            points = self.template.random_points(self.num_patches, each, device=device)
            return {"points": self.deform(points, code)}
        each = self.num_points_eval // self.num_patches
        points, faces = self.template.regular(each, device=device)
        points = points.expand(self.num_patches, -1, -1)
        outputs = {"points": self.deform(points, code)}
        return outputs if faces is None else outputs | {"faces": faces}

    def deform(self, template_points: Tensor, code: Tensor) -> Tensor:
        """Deform given points of the template.

        Args:
            template_points: (P, n, d), for each patch.
            code: (B, C) or (B, C, r, r, r).

        Returns:
            (B, P n, 3), patch after patch.

        Raises:
            ValueError: If the code has another length.
        """
        # Half precision would tear neighbours apart, and costs nothing to avoid here.
        with torch.autocast(code.device.type, enabled=False):
            code = code.to(torch.promote_types(code.dtype, torch.float32))
            vectors = self._vectors(code).repeat(1, self.num_patches)
            points = self.point_layer.for_each(template_points.to(code))
        norms = [None] * (1 + len(self.layers)) if self.norms is None else self.norms
        x = self.activation(normalized_sums(points, vectors, norms[0]))
        for layer, norm in zip(self.layers, list(norms)[1:], strict=True):
            x = self._through(x, layer, norm)
        x = self.last_layer(x)
        samples, count, _ = x.shape
        return x.view(samples, count, self.num_patches, 3).transpose(1, 2).flatten(1, 2)

    def to_structure(self, outputs: dict[str, Tensor]) -> Mesh | PointCloud:
        """Return meshes of the deformed template, or clouds of points without faces.

        Args:
            outputs: What :meth:`forward` returned.
        """
        faces = outputs.get("faces")
        return template_structure(outputs["points"], faces, self.num_patches)

    def _vectors(self, code: Tensor) -> Tensor:
        vectors = reduce_code(code, self.code_reduction)
        layer = self.code_layer
        expected = self.features if layer is None else layer.in_features
        if vectors.shape[1] != expected:
            raise ValueError(
                f"AtlasNetHead: expected codes of {expected} numbers, found "
                f"{vectors.shape[1]}; code_features gives another length a layer"
            )
        return vectors if layer is None else layer(vectors)

    def _through(self, x: Tensor, layer: PatchLinear, norm: nn.Module | None) -> Tensor:
        """Apply a layer, its norm and the activation."""
        if norm is None:
            return self.activation(layer(x))
        if not norm.training:
            # The norm is a part of the layer: its scale and shift.
            return self.activation(layer(x, running_affine(norm)))
        if self.relu:
            return normalize_points(layer(x), norm, 0.0)
        x = layer(x)
        return self.activation(norm(x.transpose(1, 2)).transpose(1, 2))
