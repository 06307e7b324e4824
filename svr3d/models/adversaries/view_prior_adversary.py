# SPDX-License-Identifier: Apache-2.0
"""Shapes that look right from all sides, by a discriminator of silhouettes."""

from typing import Any

import torch
from mmengine.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F

from svr3d.models.adversaries.base import Adversary, Render, view_classes
from svr3d.models.adversaries.dcgan_discriminator import DCGANDiscriminator
from svr3d.models.layers.batch_share import rand_rows
from svr3d.models.reconstructors.build_parts import build_part
from svr3d.renderers.mesh_views import MeshViews

_OTHERS = ("circle", "batch")


@MODELS.register_module()
class ViewPriorAdversary(Adversary):
    """A discriminator that is told the view, and meshes that learn to deceive it.

    Silhouettes of a mesh from its image's own view count as real, those of the same
    mesh from another view as fake. Objective 'discriminate' trains the discriminator:
    the mean of both cross entropies, silhouettes detached, the fake ones first.
    Objective 'deceive' trains the meshes: the cross entropy of calling the fake ones
    real.

    Source: the mode ``trainCVPR19`` of bomb2peng/learn3D, ``3D-GAN.py``, after Kato and
    Harada, "Learning View Priors for Single-view 3D Reconstruction" (CVPR 2019).
    """

    objectives = ("discriminate", "deceive")

    def __init__(
        self,
        discriminator: dict | nn.Module,
        *,
        weight: float = 1.0,
        others: str = "circle",
        azimuth_step: float | None = None,
    ):
        """Set up the adversary.

        Args:
            discriminator: Silhouettes (B, S, S) and view classes (B,) -> ``Verdict``: a
                ``DCGANDiscriminator``.
            weight: Factor of the objective 'deceive'.
            others: Which view is the other one: 'circle' takes, uniformly, another
                class of a circle of views around the object; 'batch' takes that of
                another sample of the batch, for views of any kind.
            azimuth_step: Degrees in azimuth from one class of the circle to the next;
                None for -360 / classes, as in the neural mesh renderer's data.

        Raises:
            ValueError: If ``others`` is unknown.
        """
        super().__init__()
        if others not in _OTHERS:
            raise ValueError(f"others: expected one of {_OTHERS}, found {others!r}")
        self.discriminator: DCGANDiscriminator = build_part(discriminator, MODELS)
        self.weight, self.others = weight, others
        self.azimuth_step = azimuth_step

    def forward(
        self,
        objective: str,
        outputs: dict[str, Tensor],
        batch: dict[str, Any],
        render: Render,
    ) -> dict[str, Tensor]:
        """Return an objective.

        Args:
            objective: 'discriminate' or 'deceive'.
            outputs: ``silhouettes`` (B, 1, S, S).
            batch: ``view_classes`` (B, 1) and the views.
            render: Draws the meshes from other views.

        Returns:
            ``loss_discriminate``, with ``accuracy``, the share of silhouettes that were
            told right; or ``loss_deceive``.

        Raises:
            ConfigError: If the number of classes is not known yet.
            ValueError: If the objective is unknown, the batch lacks what is needed, or
                it has one sample where another one's view is wanted.
        """
        self.check_objective(objective)
        self.discriminator.require_settled()
        own = view_classes(batch, self, self.discriminator.num_classes)
        views, others = self.other_views(MeshViews.from_batch(batch), own)
        if objective == "deceive":
            logits = self.discriminator(render(views)[:, 0], others).logits
            return {"loss_deceive": self.weight * _cross_entropy(logits, real=True)}
        with torch.no_grad():
            drawn = render(views)[:, 0]
        # In this order, as running statistics follow it.
        fake = self.discriminator(drawn, others).logits
        real = self.discriminator(outputs["silhouettes"][:, 0].detach(), own).logits
        loss = (_cross_entropy(fake, real=False) + _cross_entropy(real, real=True)) / 2
        right = ((fake < 0).float().mean() + (real > 0).float().mean()) / 2
        return {"loss_discriminate": loss, "accuracy": right.detach()}

    def other_views(self, views: MeshViews, own: Tensor) -> tuple[MeshViews, Tensor]:
        """Return another view of each mesh, and its class (B,).

        Args:
            views: (B, 1) views of the images.
            own: (B,) their classes.

        Raises:
            ValueError: If there is no other view.
        """
        if self.others == "batch":
            if len(own) < 2:
                raise ValueError(
                    "ViewPriorAdversary: expected two or more samples in the batch "
                    "(others='batch'), found one"
                )
            shift = int(torch.randint(1, len(own), ()))
            fields = {"angles": views.angles, "rotations": views.rotations}
            moved = {k: f.roll(shift, 0) for k, f in fields.items() if f is not None}
            return views.replace(**moved), own.roll(shift, 0)
        classes = self.discriminator.num_classes
        steps = (rand_rows(len(own)) * (classes - 1)).long() + 1
        others = (own + steps.to(own)) % classes
        if views.angles is None:
            raise ValueError(
                "ViewPriorAdversary: expected views by angles (others='circle'), found "
                "rotations; others='batch' takes them too"
            )
        angles = views.angles.clone()
        step = -360 / classes if self.azimuth_step is None else self.azimuth_step
        angles[:, 0, 0] += step * (others - own)
        return MeshViews(angles), others


def _cross_entropy(logits: Tensor, *, real: bool) -> Tensor:
    # Of logits, not of probabilities: those round to 0 and 1, where the published
    # program's cross entropy jumps to 100.
    target = torch.full_like(logits, float(real))
    return F.binary_cross_entropy_with_logits(logits.float(), target.float())
