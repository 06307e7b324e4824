# SPDX-License-Identifier: Apache-2.0
"""Points of any head that emits them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmengine.registry import MODELS
from torch import Tensor, nn

from svr3d.registry import BACKBONES, HEADS

if TYPE_CHECKING:
    from svr3d.structures import Structure


@MODELS.register_module()
class EncodedShape(nn.Module):
    """A backbone and a head that emits points, such as ``AtlasNetHead``.

    The shape network of :class:`SelfSupervisedPoints` where that has no colours.
    """

    def __init__(self, backbone: dict | nn.Module, head: dict | nn.Module):
        """Set up the network.

        Args:
            backbone: Images (B, 3, H, W) -> codes (B, C).
            head: Codes -> ``points`` (B, N, 3) and what else it emits.
        """
        super().__init__()
        self.backbone = (
            backbone if isinstance(backbone, nn.Module) else BACKBONES.build(backbone)
        )
        self.head = head if isinstance(head, nn.Module) else HEADS.build(head)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Reconstruct images one by one.

        Args:
            images: (B, 3, H, W).

        Returns:
            What the head emits.

        Raises:
            ValueError: If it emits no points.
        """
        return self.decode(self.encode(images))

    def decode(self, codes: Tensor) -> dict[str, Tensor]:
        """Return what the head emits of codes (B, C).

        Raises:
            ValueError: If it emits no points.
        """
        outputs = self.head(codes)
        if "points" not in outputs:
            raise ValueError(
                f"head {type(self.head).__name__}: expected 'points', found "
                f"{', '.join(map(repr, outputs))}"
            )
        return outputs

    def encode(self, images: Tensor) -> Tensor:
        """Return the codes (B, C) of images (B, 3, H, W)."""
        return self.backbone(images)

    def to_structure(self, outputs: dict[str, Tensor]) -> Structure:
        """Return what the head makes of its outputs, a mesh or a cloud."""
        return self.head.to_structure(outputs)
