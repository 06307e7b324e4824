# SPDX-License-Identifier: Apache-2.0
"""Plain decoder of transposed convolutions that emits occupancy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor, nn

from svr3d.models.layers import initialize
from svr3d.models.layers.occupancy import occupancy_probabilities
from svr3d.registry import HEADS

if TYPE_CHECKING:
    from svr3d.structures.voxels import Voxels


@HEADS.register_module()
class TransposedVoxelDecoder(nn.Module):
    """Transposed 4x4x4 convolutions that double a grid; one occupancy logit per voxel.

    Each is followed by batch norm and ReLU, and has no bias; a 1x1x1 one ends the
    decoder. The defaults are those of Pix2Vox-F. Source: Xie et al., "Pix2Vox" (ICCV
    2019), and models/decoder.py of hzxie/Pix2Vox.
    """

    def __init__(
        self,
        widths: Sequence[int] = (256, 128, 64, 32, 8),
        *,
        grid_size: int = 2,
        code_features: int | None = None,
        logit_bias: float | None = None,
        initialization: str = "pix2vox",
    ):
        """Set up the decoder.

        Args:
            widths: Channels of the code's grid and after each doubling.
            grid_size: Cells r per side of the code's grid.
            code_features: Length of a code of which a linear layer makes the grid.
                None if the code is a grid, or a vector that is one in (C, r, r, r)
                order.
            logit_bias: Initial value of a trainable bias of the logits, such as -2 for
                volumes that are mostly empty, which short runs start faster from. None
                for no bias, as published.
            initialization: Recipe of the initial weights.
        """
        super().__init__()
        self.grid_size, self.channels = grid_size, widths[0]
        self.resolution = grid_size * 2 ** (len(widths) - 1)
        self.to_grid = None
        if code_features is not None:
            self.to_grid = nn.Linear(code_features, widths[0] * grid_size**3)
        self.layers = nn.Sequential(
            *(
                nn.Sequential(
                    nn.ConvTranspose3d(
                        inputs, outputs, 4, stride=2, padding=1, bias=False
                    ),
                    nn.BatchNorm3d(outputs),
                    nn.ReLU(inplace=True),
                )
                for inputs, outputs in zip(widths[:-1], widths[1:], strict=True)
            )
        )
        has_bias = logit_bias is not None
        self.to_logits = nn.ConvTranspose3d(widths[-1], 1, 1, bias=has_bias)
        initialize(self, initialization, "decoder")
        if has_bias:
            nn.init.constant_(self.to_logits.bias, logit_bias)

    def forward(self, code: Tensor) -> dict[str, Tensor]:
        """Decode a code into occupancy.

        Args:
            code: (B, C, r, r, r), (B, C*r*r*r), or (B, code_features).

        Returns:
            ``logits`` (B, R, R, R), indexed [x, y, z], and ``features``, the last
            layer's, (B, widths[-1], R, R, R).

        Raises:
            ValueError: If the code has another size.
        """
        x = code if self.to_grid is None else self.to_grid(code)
        shape = (self.channels, *[self.grid_size] * 3)
        if x.dim() == 2 and x.shape[1] == self.channels * self.grid_size**3:
            x = x.unflatten(1, shape)
        if x.shape[1:] != shape:
            raise ValueError(
                f"TransposedVoxelDecoder: expected a code of shape {shape} (widths[0], "
                f"grid_size) or as many features, found {tuple(code.shape[1:])}"
            )
        features = self.layers(x)
        return {"logits": self.to_logits(features).squeeze(1), "features": features}

    @staticmethod
    def to_structure(outputs: dict[str, Tensor]) -> Voxels:
        """Return occupancy probabilities as a structure.

        Args:
            outputs: What ``forward`` returned.
        """
        from svr3d.structures.voxels import Voxels

        return Voxels(occupancy_probabilities(outputs))
