# SPDX-License-Identifier: Apache-2.0
"""What decoders with residual blocks have behind their first layer."""

from torch import Tensor, nn

from svr3d.models.decoders.folded_blocks import FoldedBlocks
from svr3d.models.layers.conditional_batch_norm import norm_and_activate
from svr3d.models.layers.point_block import PointBlock


def make_blocks(
    num_blocks: int, channels: int, code_features: int | None
) -> nn.ModuleList:
    """Return residual blocks.

    Args:
        num_blocks: How many.
        channels: Features of a point.
        code_features: Length C of codes that condition their norms, or None.
    """
    return nn.ModuleList(
        PointBlock(channels, code_features=code_features) for _ in range(num_blocks)
    )


def through_blocks(
    x: Tensor,
    code: Tensor,
    decoder: nn.Module,
    *,
    slope: float = 0.0,
    training: bool,
) -> Tensor:
    """Apply blocks, last norm, activation and last layer.

    Args:
        x: Features (B, T, H).
        code: (B, C).
        decoder: Has ``blocks``, ``norm`` and ``output_layer``.
        slope: Negative slope of the last activation.
        training: Whether norms go by the statistics of the batch.

    Returns:
        Logits (B, T).
    """
    for block in decoder.blocks:
        x = block(x, code, training=training)
    x = norm_and_activate(decoder.norm, x, code, slope=slope, training=training)
    return decoder.output_layer(x).squeeze(-1)


def folded_logits(
    points: Tensor,
    vectors: Tensor,
    code: Tensor,
    decoder: nn.Module,
    *,
    slope: float = 0.0,
) -> Tensor:
    """Do it all, first layer included, by running statistics and without gradients.

    Args:
        points: (B, T, 3).
        vectors: (B, H), added to what the first layer makes of each point.
        code: (B, C).
        decoder: Has ``point_layer``, ``blocks``, ``norm`` and ``output_layer``.
        slope: Negative slope of the last activation.

    Returns:
        Logits (B, T).
    """
    logits = points.new_empty(points.shape[:2])
    for row, part, vector, one in zip(
        logits, points, vectors, code.split(1), strict=True
    ):
        FoldedBlocks(decoder, vector, one, slope=slope)(part, out=row)
    return logits
