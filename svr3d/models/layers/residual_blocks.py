# SPDX-License-Identifier: Apache-2.0
"""Residual blocks in two and three dimensions."""

from torch import Tensor, nn
from torch.nn import functional as F

from svr3d.models.layers.zero_insertion import ZeroInsertionConv3d, add_at_even

_CONV = {2: nn.Conv2d, 3: nn.Conv3d}
_NORM = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
_POOL = {2: nn.MaxPool2d, 3: nn.MaxPool3d}
_POOLING = {"ceil": {"ceil_mode": True}, "padded": {"padding": 1}}
SHORTCUTS = ("none", "identity", "projection", "before_last", "after_last")
ACTIVATIONS = ("join", "path")


def pooled_size(size: int, pool: str | None) -> int:
    """Return the length of an axis after a block's pooling.

    Args:
        size: Length before it.
        pool: 'ceil', 'padded' or None.
    """
    return {None: size, "ceil": (size + 1) // 2, "padded": size // 2 + 1}[pool]


class ResidualBlock(nn.Module):
    """Convolutions, a shortcut, and an activation after or before their sum.

    ``path`` = conv -> norm (-> LeakyReLU -> conv -> norm) ...; output =
    LeakyReLU(path(x) + shortcut(x)), or LeakyReLU(path(x)) + shortcut(x) with
    activation 'path'; max-pooled if asked for. Shortcuts:

    * 'none' leaves the sum out (as in the published Res3D-GRU-3 where a block has no
      1x1 convolution);
    * 'identity' adds x, 'projection' adds norm(1x1 conv(x));
    * 'before_last' and 'after_last' add norm(3x3 conv(z)), z being what the path's
      last convolution reads, or what the path returns (both in Choy et al.'s
      ResidualGRUNet: the Theano program and its PyTorch port differ here).
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
        norm: bool = True,
        last_norm: bool = True,
        slope: float = 0.1,
        join_slope: float = 0.1,
        activation: str = "join",
        pool: str | None = None,
        zero_insertion: bool = False,
    ):
        """Set up the block.

        Args:
            in_channels: Channels of x.
            out_channels: Channels of the output.
            dims: 2 for images, 3 for volumes.
            depth: Number of convolutions in the path.
            first_kernel: Odd kernel size of the first of them; the others have 3.
            shortcut: 'none', 'identity', 'projection', 'before_last' or 'after_last'.
            bias: Whether the path's convolutions have a bias (the shortcut's have).
            norm: Whether batch norms follow the convolutions.
            last_norm: Whether one follows the path's last convolution too.
            slope: Negative slope inside the path, and at its end if it stands there.
            join_slope: Negative slope after the sum, if it stands there.
            activation: Where the last activation stands: 'join', after the sum, or
                'path', at the path's end.
            pool: Max-pooling of the output, window and stride 2: 'ceil' rounds sizes
                up, 'padded' pads both ends of each axis by one, None leaves it out.
            zero_insertion: Whether the block works on x after ``insert_zeros``, which
                doubles the grid; volumes only.

        Raises:
            ValueError: If an option is unknown, or options do not fit together.
        """
        super().__init__()
        _check("shortcut", shortcut, SHORTCUTS)
        _check("activation", activation, ACTIVATIONS)
        _check("pool", pool, (None, *_POOLING))
        if shortcut == "identity" and in_channels != out_channels:
            raise ValueError(
                "shortcut 'identity' needs equal channels, found "
                f"{in_channels} -> {out_channels}; use 'projection'"
            )
        if zero_insertion and dims != 3:
            raise ValueError(f"zero_insertion: expected dims 3, found {dims}")
        self.zero_insertion = zero_insertion
        conv, make_norm = _CONV[dims], _NORM[dims]

        def make_conv(inputs: int, kernel: int, *, bias: bool, on_input: bool):
            if zero_insertion and on_input:
                return ZeroInsertionConv3d(inputs, out_channels, kernel, bias=bias)
            return conv(inputs, out_channels, kernel, padding=kernel // 2, bias=bias)

        layers: list[nn.Module] = []
        for index in range(depth):
            kernel = first_kernel if index == 0 else 3
            inputs = in_channels if index == 0 else out_channels
            if index:
                layers.append(nn.LeakyReLU(slope, inplace=True))
            self.last = len(layers)
            layers.append(make_conv(inputs, kernel, bias=bias, on_input=index == 0))
            if norm and (last_norm or index < depth - 1):
                layers.append(make_norm(out_channels))
        self.activation: nn.Module = nn.Identity()
        if activation == "path":
            layers.append(nn.LeakyReLU(slope, inplace=True))
        else:
            self.activation = nn.LeakyReLU(join_slope, inplace=True)
        self.path = nn.Sequential(*layers)
        self.source = shortcut if shortcut in ("before_last", "after_last") else "x"
        self.shortcut: nn.Module | None = None
        if shortcut == "identity":
            self.shortcut = nn.Identity()
        elif shortcut != "none":
            on_input = self.source == "x" or (shortcut == "before_last" and depth == 1)
            inputs = in_channels if on_input else out_channels
            kernel = 1 if shortcut == "projection" else 3
            self.shortcut = nn.Sequential(
                make_conv(inputs, kernel, bias=True, on_input=on_input)
            )
            if norm:
                self.shortcut.append(make_norm(out_channels))
        self.pool: nn.Module = nn.Identity()
        if pool is not None:
            self.pool = _POOL[dims](2, **_POOLING[pool])

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block.

        Args:
            x: (B, in_channels, ...).

        Returns:
            (B, out_channels, ...): same size; twice with ``zero_insertion``; about
            half with ``pool``.
        """
        out = before_last = x
        for index, layer in enumerate(self.path):
            if index == self.last:
                before_last = out
            out = layer(out)
        if self.shortcut is not None:
            source = {"x": x, "before_last": before_last, "after_last": out}
            out = self._join(out, source[self.source])
        # The activation rises strictly, so it may follow the pool, which leaves it
        # a quarter of the work and the same result.
        return self.activation(self.pool(out))

    def _join(self, out: Tensor, z: Tensor) -> Tensor:
        """Return the sum of the path's output and the shortcut of z."""
        if out.shape[2:] == z.shape[2:]:
            return out + self.shortcut(z)
        # z is coarse: apart from biases, only even positions have something to add.
        if isinstance(self.shortcut, nn.Identity):
            return add_at_even(out, z)
        conv = self.shortcut[0]
        if len(self.shortcut) == 1 and conv.kernel_size == (1, 1, 1):
            shift = conv.bias.to(out.dtype).view(-1, 1, 1, 1)
            return add_at_even(out + shift, F.conv3d(z, conv.weight))
        return out + self.shortcut(z)


def _check(key: str, value: str | None, known: tuple):
    if value not in known:
        raise ValueError(f"{key}: expected one of {known}, found {value!r}")
