# SPDX-License-Identifier: Apache-2.0
"""An encoder of voxel grids."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from svr3d.registry import BACKBONES


@BACKBONES.register_module()
class VoxelEncoder(nn.Module):
    """A 3x3x3 convolution, more of them with stride 2, and a linear layer.

    Source: ``voxel_simple`` of Occupancy Networks (im2mesh/encoder/voxels.py), and
    CoordVoxelEncoder there, which also sees where each voxel is.

    Attributes:
        out_features: Length of the code.
    """

    def __init__(
        self,
        out_features: int = 256,
        *,
        widths: Sequence[int] = (32, 64, 128, 256, 512),
        resolution: int = 32,
        coordinates: bool = False,
    ):
        """Set up the encoder.

        Args:
            out_features: Length C of the code.
            widths: Output channels of the first convolution and of those with stride 2.
            resolution: Voxels R per side of the grids.
            coordinates: Whether three channels of coordinates, from -0.5 at the first
                voxel to 0.5 at the last along x, y and z, follow that of the voxels.
        """
        super().__init__()
        self.out_features, self.resolution = out_features, resolution
        self.coordinates = coordinates
        self.conv_in = nn.Conv3d(4 if coordinates else 1, widths[0], 3, padding=1)
        for index, (inputs, outputs) in enumerate(
            zip(widths[:-1], widths[1:], strict=True)
        ):
            convolution = nn.Conv3d(inputs, outputs, 3, stride=2, padding=1)
            setattr(self, f"conv_{index}", convolution)
        self.steps = len(widths) - 1
        cells = -(-resolution // 2**self.steps)
        self.fc = nn.Linear(widths[-1] * cells**3, out_features)

    def forward(self, voxels: Tensor) -> Tensor:
        """Encode voxel grids.

        Args:
            voxels: (N, R, R, R), occupancy of any dtype, indexed [x, y, z].

        Returns:
            Codes, (N, out_features).

        Raises:
            ValueError: If the grids have another size than configured.
        """
        if voxels.shape[1:] != (self.resolution,) * 3:
            raise ValueError(
                f"voxels: expected (N, {self.resolution}, {self.resolution}, "
                f"{self.resolution}) (resolution), found {tuple(voxels.shape)}"
            )
        x = voxels.unsqueeze(1).to(self.conv_in.weight.dtype)
        if self.coordinates:
            line = torch.linspace(-0.5, 0.5, self.resolution, device=x.device)
            grid = torch.stack(torch.meshgrid(line, line, line, indexing="ij"))
            x = torch.cat([x, grid.to(x).expand(len(x), -1, -1, -1, -1)], dim=1)
        x = self.conv_in(x)
        for index in range(self.steps):
            x = getattr(self, f"conv_{index}")(F.relu(x))
        return self.fc(F.relu(x.flatten(1)))
