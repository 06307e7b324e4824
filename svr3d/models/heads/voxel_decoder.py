# SPDX-License-Identifier: Apache-2.0
"""Three-dimensional residual decoder that emits occupancy."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from torch import Tensor, nn

from svr3d.models.layers import ResidualBlock, initialize
from svr3d.models.layers.occupancy import occupancy_probabilities
from svr3d.registry import HEADS

if TYPE_CHECKING:
    from svr3d.structures.voxels import Voxels


def occupancy_logits(scores: Tensor) -> Tensor:
    """Return one logit per voxel from one or two channels.

    Two channels score 'empty' and 'occupied'. Their softmax is the sigmoid of the
    difference, and the softmax's mean cross entropy is ``VoxelBCE`` of weight 1.

    Args:
        scores: (B, 1 or 2, R, R, R).

    Returns:
        (B, R, R, R).
    """
    if scores.shape[1] == 1:
        return scores.squeeze(1)
    empty, occupied = scores.unbind(1)
    return occupied - empty


@HEADS.register_module()
class VoxelDecoder(nn.Module):
    """Residual blocks on a growing grid; one occupancy logit per voxel.

    The first ``upsamplings`` blocks each double the grid, by a transposed 2x2x2
    convolution of stride 2 or by zeros between the values. A block that keeps its
    width has the identity as shortcut, the others a 1x1x1 convolution, unless
    ``shortcuts`` says otherwise. A 3x3x3 convolution ends the decoder.
    Source: Choy et al., "3D-R2N2" (ECCV 2016). The defaults are the form of the
    PaddlePaddle program (models/decoder.py), whose joins use slope 0.01; the authors'
    networks insert zeros, have two output channels and, but for a port's batch-norm
    variant, no norms.
    """

    def __init__(
        self,
        widths: Sequence[int] = (128, 128, 128, 64, 32),
        *,
        depths: Sequence[int] = (2, 2, 2, 3),
        shortcuts: Sequence[str] | None = None,
        upsamplings: int = 3,
        upsampling: str = "transposed",
        grid_size: int = 4,
        code_features: int | None = None,
        norm: bool = True,
        final_norm: bool = True,
        activation: str = "join",
        slope: float = 0.1,
        join_slope: float = 0.01,
        out_channels: int = 1,
        initialization: str = "paddle",
    ):
        """Set up the decoder.

        Args:
            widths: Channels of the code and after each block.
            depths: Convolutions in each block.
            shortcuts: For each block a shortcut that ``ResidualBlock`` knows; None
                chooses 'identity' or 'projection' by the widths.
            upsamplings: Number of blocks, from the first, that double the grid.
            upsampling: 'transposed' for a transposed convolution before the block,
                'zeros' for zeros between the values that the block reads.
            grid_size: Cells per side of the code's grid.
            code_features: Length of the code if it is a vector; a linear layer then
                makes the grid. None if the code is a grid.
            norm: Whether batch norms follow the blocks' convolutions.
            final_norm: Whether one follows the last convolution of the last block's
                path too.
            activation: Where a block's last activation stands: 'join', after the sum
                with the shortcut, or 'path', before it.
            slope: Negative slope inside blocks.
            join_slope: Negative slope after the sum of path and shortcut.
            out_channels: 1 for logits, 2 for scores of 'empty' and 'occupied', of
                which the softmax is taken; the output is their logit either way.
            initialization: Recipe of the initial weights.

        Raises:
            ValueError: If an option is unknown, or widths, depths, shortcuts and
                upsamplings do not fit together.
        """
        super().__init__()
        if len(widths) != len(depths) + 1 or upsamplings > len(depths):
            raise ValueError(
                "VoxelDecoder: expected one more width than depths and at most one "
                f"upsampling per block; found {len(widths)} widths, {len(depths)} "
                f"depths, {upsamplings} upsamplings"
            )
        if shortcuts is None:
            shortcuts = [
                "identity" if inputs == outputs else "projection"
                for inputs, outputs in pairwise(widths)
            ]
        if len(shortcuts) != len(depths):
            raise ValueError(
                f"shortcuts: expected one per block ({len(depths)}), "
                f"found {len(shortcuts)}"
            )
        if upsampling not in ("transposed", "zeros"):
            raise ValueError(
                f"upsampling: expected 'transposed' or 'zeros', found {upsampling!r}"
            )
        if out_channels not in (1, 2):
            raise ValueError(f"out_channels: expected 1 or 2, found {out_channels}")
        self.grid_size = grid_size
        self.resolution = grid_size * 2**upsamplings
        self.to_grid = None
        self.code_shape: tuple[int, ...] = (widths[0], *[grid_size] * 3)
        self._code_arguments = "widths[0], grid_size; a vector needs code_features"
        if code_features is not None:
            self.to_grid = nn.Linear(code_features, widths[0] * grid_size**3)
            self.code_shape = (code_features,)
            self._code_arguments = "code_features"
        by_zeros = upsampling == "zeros"
        self.upsample = nn.ModuleList(
            nn.ConvTranspose3d(width, width, 2, stride=2)
            for width in ([] if by_zeros else widths[:upsamplings])
        )
        self.blocks = nn.ModuleList(
            ResidualBlock(
                inputs,
                outputs,
                dims=3,
                depth=depths[index],
                shortcut=shortcuts[index],
                bias=True,
                norm=norm,
                last_norm=final_norm or index < len(depths) - 1,
                slope=slope,
                join_slope=join_slope,
                activation=activation,
                zero_insertion=by_zeros and index < upsamplings,
            )
            for index, (inputs, outputs) in enumerate(pairwise(widths))
        )
        self.to_logits = nn.Conv3d(widths[-1], out_channels, 3, padding=1)
        initialize(self, initialization, "decoder")

    def forward(self, code: Tensor) -> dict[str, Tensor]:
        """Decode a code into occupancy.

        Args:
            code: (B, C, r, r, r), or (B, code_features).

        Returns:
            ``logits`` (B, R, R, R), indexed [x, y, z], and ``features``, the last
            block's, (B, widths[-1], R, R, R).

        Raises:
            ValueError: If the code has another size.
        """
        if code.shape[1:] != self.code_shape:
            raise ValueError(
                f"VoxelDecoder: expected a code of shape {self.code_shape} "
                f"({self._code_arguments}), found {tuple(code.shape[1:])}"
            )
        x = code
        if self.to_grid is not None:
            x = self.to_grid(x).view(x.shape[0], -1, *[self.grid_size] * 3)
        for index, block in enumerate(self.blocks):
            if index < len(self.upsample):
                x = self.upsample[index](x)
            x = block(x)
        return {"logits": occupancy_logits(self.to_logits(x)), "features": x}

    @staticmethod
    def to_structure(outputs: dict[str, Tensor]) -> Voxels:
        """Return occupancy probabilities as a structure.

        Args:
            outputs: What ``forward`` returned.
        """
        from svr3d.structures.voxels import Voxels

        return Voxels(occupancy_probabilities(outputs))
