# SPDX-License-Identifier: Apache-2.0
"""Head of occupancy networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from mmengine.registry import MODELS
from torch import Tensor, nn

from svr3d.models.heads.query_head import QueryHead
from svr3d.registry import HEADS

if TYPE_CHECKING:
    from svr3d.structures import OccupancyField

_REDUCTIONS = ("mean", "flatten")


@HEADS.register_module()
class OccupancyHead(QueryHead):
    """Occupancy of any point, by a decoder that is given the point and the code.

    Source: Mescheder et al., "Occupancy Networks" (CVPR 2019), and im2mesh/onet of
    autonomousvision/occupancy_networks.
    """

    def __init__(
        self,
        decoder: dict | nn.Module,
        *,
        code_reduction: str = "flatten",
        threshold: float = 0.2,
        chunk_size: int = 100_000,
        resolution: int = 32,
        upsampling_steps: int = 2,
        refinement_steps: int = 0,
        simplify_faces: int | None = None,
    ):
        """Set up the head.

        Args:
            decoder: Part ``(points (B, T, 3), latent (B, Z), code (B, C)) -> logits``.
            code_reduction: How a code that is a coarse grid (B, C, r, r, r), as
                recurrent fusions make it, becomes one vector for the decoder: 'mean'
                over its cells, or 'flatten', all of it. Vectors stay what they are.
            threshold: Probability from which a point counts as inside.
            chunk_size: Points that a conversion of a field evaluates at once.
            resolution: Cells along one axis of the grid where the extraction of a
                surface begins.
            upsampling_steps: Times that the extraction halves the cells at the surface.
            refinement_steps: Steps that move an extracted surface along the gradient.
            simplify_faces: Faces to which a surface is simplified; None keeps all.

        Raises:
            ValueError: If the reduction is unknown, or the threshold no probability.
        """
        super().__init__()
        if code_reduction not in _REDUCTIONS:
            raise ValueError(
                f"OccupancyHead: expected code_reduction of {_REDUCTIONS}, found "
                f"{code_reduction!r}"
            )
        if not 0 < threshold < 1:
            raise ValueError(
                f"OccupancyHead: expected threshold between 0 and 1, found {threshold}"
            )
        self.decoder = (
            decoder if isinstance(decoder, nn.Module) else MODELS.build(decoder)
        )
        self.code_reduction = code_reduction
        self.threshold = threshold
        self.chunk_size = chunk_size
        self.extraction = dict(
            resolution=resolution,
            upsampling_steps=upsampling_steps,
            refinement_steps=refinement_steps,
            simplify_faces=simplify_faces,
        )

    def forward(
        self, code: Tensor, points: Tensor, occupancies: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Answer at points; see :class:`QueryHead`."""
        code = self.reduce(code)
        return {"logits": self.decoder(points, code[:, :0], code)}

    def to_structure(self, outputs: dict[str, Tensor]) -> OccupancyField:
        """Return the field of ``codes``, evaluated by running statistics always."""
        from svr3d.structures import ExtractionSettings, OccupancyField

        return OccupancyField(
            self.reduce(outputs["codes"]),
            self.decode,
            self.chunk_size,
            self.threshold,
            decode_logits=self.decode_logits,
            extraction=ExtractionSettings(**self.extraction),
        )

    def reduce(self, code: Tensor) -> Tensor:
        """Make vectors (B, C) of codes that are grids (B, C, r, r, r)."""
        if code.ndim > 2 and self.code_reduction == "mean":
            return code.flatten(2).mean(2)
        return code.flatten(1)

    def decode_logits(self, codes: Tensor, points: Tensor) -> Tensor:
        """Answer at points, by the running statistics whichever the mode.

        Args:
            codes: (B, C), what the field holds.
            points: (B, T, 3) in the object frame.

        Returns:
            Logits (B, T) float32, where the points are.
        """
        weight = next(self.decoder.parameters())
        code = codes.to(weight.device)
        logits = self.decoder.evaluate(points.to(weight.device), code[:, :0], code)
        return logits.float().to(points.device)

    def decode(self, codes: Tensor, points: Tensor) -> Tensor:
        """Answer at points by probabilities; see :meth:`decode_logits`."""
        return torch.sigmoid(self.decode_logits(codes, points))
