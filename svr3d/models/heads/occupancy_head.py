# SPDX-License-Identifier: Apache-2.0
"""Head of occupancy networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from mmengine.registry import MODELS
from torch import Tensor, nn

from svr3d.models.heads.query_head import QueryHead
from svr3d.models.layers.code_reduction import check_reduction, reduce_code
from svr3d.models.losses.latent_kl import kl_to_unit_normal
from svr3d.registry import HEADS

if TYPE_CHECKING:
    from svr3d.structures import OccupancyField


@HEADS.register_module()
class OccupancyHead(QueryHead):
    """Occupancy of any point, by a decoder that is given the point and the code.

    With a latent part it is a variational auto-encoder: in training the part infers a
    distribution of a latent vector from the points and their labels, and the decoder is
    given a draw of it too. Without labels the prior stands for it.

    Source: Mescheder et al., "Occupancy Networks" (CVPR 2019), and im2mesh/onet of
    autonomousvision/occupancy_networks.
    """

    def __init__(
        self,
        decoder: dict | nn.Module,
        *,
        latent: dict | nn.Module | None = None,
        sample_latent: bool = False,
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
            latent: Part ``(points, occupancies, code) -> mean, log_std (B, Z)`` that
                infers a latent vector in training; None for none.
            sample_latent: Whether a prediction draws its latent vector from the unit
                normal prior, so that each is another shape, or takes the prior's mean.
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
        self.code_reduction = check_reduction(code_reduction, "OccupancyHead")
        if not 0 < threshold < 1:
            raise ValueError(
                f"OccupancyHead: expected threshold between 0 and 1, found {threshold}"
            )
        self.decoder = (
            decoder if isinstance(decoder, nn.Module) else MODELS.build(decoder)
        )
        if latent is not None and not isinstance(latent, nn.Module):
            latent = MODELS.build(latent)
        self.latent = latent
        self.sample_latent = sample_latent
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
        if self.latent is None or occupancies is None:
            return {"logits": self.decoder(points, self._prior(code), code)}
        mean, log_std = self.latent(points, occupancies, code)
        drawn = mean + torch.exp(log_std) * torch.randn_like(mean)
        return {
            "logits": self.decoder(points, drawn, code),
            "latent_mean": mean,
            "latent_log_std": log_std,
        }

    def to_structure(self, outputs: dict[str, Tensor]) -> OccupancyField:
        """Return the field of ``codes``, evaluated by running statistics always."""
        from svr3d.structures import ExtractionSettings, OccupancyField

        code = self.reduce(outputs["codes"])
        return OccupancyField(
            torch.cat((self._prior(code), code), dim=1),
            self.decode,
            self.chunk_size,
            self.threshold,
            decode_logits=self.decode_logits,
            bound=self.bound,
            extraction=ExtractionSettings(**self.extraction),
        )

    def reduce(self, code: Tensor) -> Tensor:
        """Make vectors (B, C) of codes that are grids (B, C, r, r, r)."""
        return reduce_code(code, self.code_reduction)

    def decode_logits(self, codes: Tensor, points: Tensor) -> Tensor:
        """Answer at points, by the running statistics whichever the mode.

        Args:
            codes: (B, Z + C), what the field holds: latent vector and code.
            points: (B, T, 3) in the object frame.

        Returns:
            Logits (B, T) float32, where the points are.
        """
        weight = next(self.decoder.parameters())
        latent, code = self._split(codes.to(weight.device))
        logits = self.decoder.evaluate(points.to(weight.device), latent, code)
        return logits.float().to(points.device)

    def decode(self, codes: Tensor, points: Tensor) -> Tensor:
        """Answer at points by probabilities; see :meth:`decode_logits`."""
        return torch.sigmoid(self.decode_logits(codes, points))

    def bound(
        self, codes: Tensor, points: Tensor, occupancies: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the two terms whose sum bounds -log p(occupancies) from above.

        The latent vector is one draw of the distribution that is inferred from the
        labels.

        Args:
            codes: (B, Z + C), what the field holds; its latent vector is left aside.
            points: (B, T, 3) in the object frame.
            occupancies: Labels (B, T) in {0, 1}.

        Returns:
            Cross entropy, summed over points, and divergence of the latent vector from
            its prior, 0 without one; (B,) float32, where the points are.
        """
        device = next(self.decoder.parameters()).device
        at, labels = points.to(device), occupancies.to(device).float()
        latent, code = self._split(codes.to(device))
        divergence = labels.new_zeros(len(labels))
        if self.latent is not None:
            mean, log_std = self.latent(at, labels, code)
            latent = mean + torch.exp(log_std) * torch.randn_like(mean)
            divergence = kl_to_unit_normal(mean.float(), log_std.float()).sum(1)
        logits = self.decoder.evaluate(at, latent, code).float()
        error = F.binary_cross_entropy_with_logits(logits, labels, reduction="none")
        return error.sum(1).to(points.device), divergence.to(points.device)

    def _prior(self, code: Tensor) -> Tensor:
        """Return latent vectors (B, Z) of the prior."""
        length = 0 if self.latent is None else self.latent.latent_features
        if self.sample_latent:
            return torch.randn(len(code), length, device=code.device, dtype=code.dtype)
        return code.new_zeros(len(code), length)

    def _split(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        length = 0 if self.latent is None else self.latent.latent_features
        return codes[:, :length], codes[:, length:]
