# SPDX-License-Identifier: Apache-2.0
"""Occupancy of any point by the features of a grid around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from mmengine.registry import MODELS
from torch import Tensor, nn

from svr3d.models.heads.query_head import QueryHead
from svr3d.registry import HEADS

if TYPE_CHECKING:
    from svr3d.structures import OccupancyField


@HEADS.register_module()
class LocalOccupancyHead(QueryHead):
    """A voxel head makes a grid of features, between whose cells a decoder answers.

    The grid's own logits, interpolated, are what the decoder corrects. So the shape is
    a field, as that of :class:`OccupancyHead`, but each point is told what lies around
    it, not only the code of the whole object.

    Source of the decoder and of the interpolation: Peng et al., "Convolutional
    Occupancy Networks" (ECCV 2020), whose grids come from point clouds; here they come
    from images, through any head that emits voxels and their features.
    """

    def __init__(
        self,
        volume: dict | nn.Module,
        decoder: dict | nn.Module,
        *,
        threshold: float = 0.5,
        chunk_size: int = 100_000,
        resolution: int = 32,
        upsampling_steps: int = 2,
        refinement_steps: int = 0,
        simplify_faces: int | None = None,
    ):
        """Set up the head.

        Args:
            volume: Head, code -> ``logits`` (B, R, R, R) and ``features``
                (B, C, R, R, R), as ``VoxelDecoder`` is.
            decoder: Part ``(points (B, T, 3), features (B, T, C)) -> logits (B, T)``.
            threshold: Probability from which a point counts as inside.
            chunk_size: Points that a conversion of a field evaluates at once.
            resolution: Cells along one axis of the grid where the extraction of a
                surface begins.
            upsampling_steps: Times that the extraction halves the cells at the surface.
            refinement_steps: Steps that move an extracted surface along the gradient.
            simplify_faces: Faces to which a surface is simplified; None keeps all.

        Raises:
            ValueError: If the threshold is no probability.
        """
        super().__init__()
        if not 0 < threshold < 1:
            raise ValueError(
                "LocalOccupancyHead: expected threshold between 0 and 1, found "
                f"{threshold}"
            )
        self.volume = volume if isinstance(volume, nn.Module) else HEADS.build(volume)
        self.decoder = (
            decoder if isinstance(decoder, nn.Module) else MODELS.build(decoder)
        )
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
        """Answer at points; see :class:`QueryHead`. Labels are not asked for."""
        return {"logits": self.decode_logits(self.grid(code), points)}

    def to_structure(self, outputs: dict[str, Tensor]) -> OccupancyField:
        """Return the field of ``codes``."""
        from svr3d.structures import ExtractionSettings, OccupancyField

        return OccupancyField(
            self.grid(outputs["codes"]),
            self.decode,
            self.chunk_size,
            self.threshold,
            decode_logits=self.decode_logits,
            extraction=ExtractionSettings(**self.extraction),
        )

    def grid(self, code: Tensor) -> Tensor:
        """Return logits and features of the grid's cells, (B, 1 + C, R, R, R).

        Raises:
            ValueError: If the voxel head emits no features.
        """
        made = self.volume(code)
        if "logits" not in made or "features" not in made:
            raise ValueError(
                "LocalOccupancyHead: expected a volume that emits 'logits' and "
                f"'features', found {', '.join(map(repr, made))} of "
                f"{type(self.volume).__name__}"
            )
        return torch.cat((made["logits"].unsqueeze(1), made["features"]), dim=1)

    def decode_logits(self, grids: Tensor, points: Tensor) -> Tensor:
        """Answer at points.

        Args:
            grids: (B, 1 + C, R, R, R), what :meth:`grid` returned.
            points: (B, T, 3) in the object frame; beyond the grid its border counts.

        Returns:
            Logits (B, T) float32, where the points are.
        """
        at = points.to(grids.device)
        # The last axis of the grid is z, which comes first in what grid_sample reads.
        places = (2 * at.float()).flip(-1)[:, :, None, None]
        found = F.grid_sample(
            grids.float(), places, padding_mode="border", align_corners=False
        )
        found = found.flatten(2).transpose(1, 2)
        correction = self.decoder(at.to(grids.dtype), found[..., 1:].to(grids.dtype))
        return (found[..., 0] + correction.float()).to(points.device)

    def decode(self, grids: Tensor, points: Tensor) -> Tensor:
        """Answer at points by probabilities; see :meth:`decode_logits`."""
        return torch.sigmoid(self.decode_logits(grids, points))
