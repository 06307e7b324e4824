# SPDX-License-Identifier: Apache-2.0
"""Three-dimensional residual decoder that emits occupancy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor, nn

from svr3d.models.layers import ResidualBlock, initialize
from svr3d.models.layers.occupancy import occupancy_probabilities
from svr3d.registry import HEADS

if TYPE_CHECKING:
    from svr3d.structures.voxels import Voxels


@HEADS.register_module()
class VoxelDecoder(nn.Module):
    """Residual blocks on a growing grid; one occupancy logit per voxel.

    The first ``upsamplings`` blocks are each preceded by a transposed 2x2x2
    convolution of stride 2. A block that keeps its width has the identity as
    shortcut, the others a 1x1x1 convolution with norm. A 3x3x3 convolution ends the
    decoder. Source: Choy et al., "3D-R2N2" (ECCV 2016), in the form of the
    PaddlePaddle program (models/decoder.py), whose joins use slope 0.01.
    """

    def __init__(
        self,
        widths: Sequence[int] = (128, 128, 128, 64, 32),
        *,
        depths: Sequence[int] = (2, 2, 2, 3),
        upsamplings: int = 3,
        grid_size: int = 4,
        code_features: int | None = None,
        slope: float = 0.1,
        join_slope: float = 0.01,
        initialization: str = "paddle",
    ):
        """Set up the decoder.

        Args:
            widths: Channels of the code and after each block.
            depths: Convolutions in each block.
            upsamplings: Number of blocks, from the first, that double the grid.
            grid_size: Cells per side of the code's grid.
            code_features: Length of the code if it is a vector; a linear layer then
                makes the grid. None if the code is a grid.
            slope: Negative slope inside blocks.
            join_slope: Negative slope after the sum of path and shortcut.
            initialization: Recipe of the initial weights.

        Raises:
            ValueError: If widths, depths and upsamplings do not fit together.
        """
        super().__init__()
        if len(widths) != len(depths) + 1 or upsamplings > len(depths):
            raise ValueError(
                "VoxelDecoder: expected one more width than depths and at most one "
                f"upsampling per block; found {len(widths)} widths, {len(depths)} "
                f"depths, {upsamplings} upsamplings"
            )
        self.grid_size = grid_size
        self.resolution = grid_size * 2**upsamplings
        self.to_grid = None
        if code_features is not None:
            self.to_grid = nn.Linear(code_features, widths[0] * grid_size**3)
        self.upsample = nn.ModuleList(
            nn.ConvTranspose3d(width, width, 2, stride=2)
            for width in widths[:upsamplings]
        )
        self.blocks = nn.ModuleList(
            ResidualBlock(
                inputs,
                outputs,
                dims=3,
                depth=depth,
                shortcut="identity" if inputs == outputs else "projection",
                bias=True,
                slope=slope,
                join_slope=join_slope,
            )
            for inputs, outputs, depth in zip(
                widths[:-1], widths[1:], depths, strict=True
            )
        )
        self.to_logits = nn.Conv3d(widths[-1], 1, 3, padding=1)
        initialize(self, initialization, "decoder")

    def forward(self, code: Tensor) -> dict[str, Tensor]:
        """Decode a code into occupancy.

        Args:
            code: (B, C, r, r, r), or (B, code_features).

        Returns:
            ``logits`` (B, R, R, R), indexed [x, y, z], and ``features``, the last
            block's, (B, widths[-1], R, R, R).
        """
        x = code
        if self.to_grid is not None:
            x = self.to_grid(x).view(x.shape[0], -1, *[self.grid_size] * 3)
        for index, block in enumerate(self.blocks):
            if index < len(self.upsample):
                x = self.upsample[index](x)
            x = block(x)
        return {"logits": self.to_logits(x).squeeze(1), "features": x}

    @staticmethod
    def to_structure(outputs: dict[str, Tensor]) -> Voxels:
        """Return occupancy probabilities as a structure.

        Args:
            outputs: What ``forward`` returned.
        """
        from svr3d.structures.voxels import Voxels

        return Voxels(occupancy_probabilities(outputs))
