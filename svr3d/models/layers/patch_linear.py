# SPDX-License-Identifier: Apache-2.0
"""A linear layer of its own for each patch, all of them in one operation."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from svr3d.models.layers.pointwise_linear import as_maps, as_points, pointwise_linear

# With fewer outputs, a product of matrices is quicker than a convolution.
_FEW = 16


class PatchLinear(nn.Module):
    """Maps the features of each patch's points by the patch's own layer.

    Features of all patches lie beside each other, those of one patch together. On CPUs
    the layers are one grouped 1x1 convolution over channels-last maps, elsewhere one
    batched product. Initialised as torch initialises a linear layer of one patch.
    """

    def __init__(self, patches: int, in_features: int, out_features: int):
        """Set up the layers.

        Args:
            patches: Number P of patches.
            in_features: Features of a point of a patch.
            out_features: The same behind the layer.
        """
        super().__init__()
        self.patches = patches
        self.in_features, self.out_features = in_features, out_features
        # Two axes, so that optimisers for matrices take it for one.
        self.weight = nn.Parameter(torch.empty(patches * out_features, in_features))
        self.bias = nn.Parameter(torch.empty(patches * out_features))
        bound = 1 / math.sqrt(in_features)
        nn.init.uniform_(self.weight, -bound, bound)
        nn.init.uniform_(self.bias, -bound, bound)

    def forward(
        self, points: Tensor, affine: tuple[Tensor, Tensor] | None = None
    ) -> Tensor:
        """Map the points.

        Args:
            points: (B, n, P in_features).
            affine: Scale and shift (P out_features,) of the outputs; None for none.

        Returns:
            (B, n, P out_features).
        """
        weight, bias = self.weight, self.bias
        if affine is not None:
            scale, shift = affine
            weight, bias = weight * scale[:, None], torch.addcmul(shift, bias, scale)
        if self.patches == 1:
            return pointwise_linear(points, weight, bias)
        if points.device.type == "cpu" and self.out_features >= _FEW:
            maps = F.conv2d(
                as_maps(points), weight[:, :, None, None], bias, groups=self.patches
            )
            return as_points(maps)
        return self._product(points, weight, bias)

    def for_each(self, points: Tensor) -> Tensor:
        """Map points that differ from patch to patch, and are the same in all samples.

        Args:
            points: (P, n, in_features).

        Returns:
            (n, P out_features).
        """
        weight = self.weight.view(self.patches, self.out_features, -1)
        bias = self.bias.view(self.patches, 1, -1)
        mapped = torch.baddbmm(bias, points, weight.transpose(1, 2))
        return mapped.transpose(0, 1).flatten(1)

    def _product(self, points: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        samples, count, _ = points.shape
        rows = points.reshape(samples * count, self.patches, -1).transpose(0, 1)
        weight = weight.view(self.patches, self.out_features, -1)
        mapped = torch.baddbmm(
            bias.view(self.patches, 1, -1), rows, weight.transpose(1, 2)
        )
        return mapped.transpose(0, 1).reshape(samples, count, -1)
