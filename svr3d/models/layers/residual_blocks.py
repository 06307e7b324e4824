# SPDX-License-Identifier: Apache-2.0
"""Residual blocks in two and three dimensions."""

from torch import Tensor, nn

_CONV = {2: nn.Conv2d, 3: nn.Conv3d}
_NORM = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
SHORTCUTS = ("none", "identity", "projection")


class ResidualBlock(nn.Module):
    """Convolutions with batch norm, a shortcut, and an activation of their sum.

    ``path`` = conv -> norm (-> LeakyReLU -> conv -> norm) ...; output =
    LeakyReLU(path(x) + shortcut(x)), max-pooled if asked for. Shortcut 'none' leaves
    the sum out (as in the published Res3D-GRU-3 where a block has no 1x1 convolution),
    'identity' adds x, 'projection' adds norm(1x1 conv(x)).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        dims: int,
        depth: int = 2,
        first_kernel: int = 3,
        shortcut: str = "identity",
        bias: bool = False,
        slope: float = 0.1,
        join_slope: float = 0.1,
        pool: bool = False,
    ):
        """Set up the block.

        Args:
            in_channels: Channels of x.
            out_channels: Channels of the output.
            dims: 2 for images, 3 for volumes.
            depth: Number of convolutions in the path.
            first_kernel: Odd kernel size of the first of them; the others have 3.
            shortcut: 'none', 'identity' or 'projection'.
            bias: Whether the path's convolutions have a bias (the projection has).
            slope: Negative slope inside the path.
            join_slope: Negative slope after the sum.
            pool: Whether the output is max-pooled, window and stride 2, in ceil mode.
        """
        super().__init__()
        if shortcut not in SHORTCUTS:
            raise ValueError(f"shortcut: expected {SHORTCUTS}, found {shortcut!r}")
        if shortcut == "identity" and in_channels != out_channels:
            raise ValueError(
                "shortcut 'identity' needs equal channels, found "
                f"{in_channels} -> {out_channels}; use 'projection'"
            )
        conv, norm = _CONV[dims], _NORM[dims]
        layers: list[nn.Module] = []
        for index in range(depth):
            kernel = first_kernel if index == 0 else 3
            inputs = in_channels if index == 0 else out_channels
            if index:
                layers.append(nn.LeakyReLU(slope, inplace=True))
            layers.append(
                conv(inputs, out_channels, kernel, padding=kernel // 2, bias=bias)
            )
            layers.append(norm(out_channels))
        self.path = nn.Sequential(*layers)
        self.shortcut: nn.Module | None = None
        if shortcut == "identity":
            self.shortcut = nn.Identity()
        elif shortcut == "projection":
            self.shortcut = nn.Sequential(
                conv(in_channels, out_channels, 1), norm(out_channels)
            )
        pooling = {2: nn.MaxPool2d, 3: nn.MaxPool3d}[dims]
        self.pool = pooling(2, ceil_mode=True) if pool else nn.Identity()
        self.activation = nn.LeakyReLU(join_slope, inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block.

        Args:
            x: (B, in_channels, ...).

        Returns:
            (B, out_channels, ...), same size, or half of it rounded up with ``pool``.
        """
        out = self.path(x)
        if self.shortcut is not None:
            out = out + self.shortcut(x)
        # The activation rises strictly, so it may follow the pool, which leaves it
        # a quarter of the work and the same result.
        return self.activation(self.pool(out))
