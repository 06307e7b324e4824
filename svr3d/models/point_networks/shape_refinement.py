# SPDX-License-Identifier: Apache-2.0
"""Fits a trained shape network to one image more, at test time."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch
from mmengine.registry import MODELS
from torch import Tensor

from svr3d.ops.chamfer_distance import chamfer_distance

if TYPE_CHECKING:
    from svr3d.models.reconstructors.self_supervised_points import SelfSupervisedPoints


@MODELS.register_module()
class ShapeRefinement:
    """Adam on a copy of the shape network, for each sample anew.

    It minimises what trains the shape network, on the sample's own image and mask, and
    the Chamfer distance from the first cloud, which holds what the image does not show.
    The pose network stays. Source: the idea is that of the paper's abstract; its
    program has none of it, and this one's numbers are free choices.
    """

    def __init__(self, steps: int = 100, *, lr: float = 5e-4, keep: float = 500.0):
        """Set up the refinement.

        Args:
            steps: Steps of Adam per sample.
            lr: Its rate.
            keep: Weight of the squared Chamfer distance from the first cloud.

        Raises:
            ValueError: If there are no steps, or a number is negative.
        """
        if steps < 1 or lr <= 0 or keep < 0:
            raise ValueError(
                "ShapeRefinement: expected steps >= 1, lr > 0 and keep >= 0, found "
                f"{steps}, {lr} and {keep}"
            )
        self.steps, self.lr, self.keep = steps, lr, keep

    def __call__(
        self, model: SelfSupervisedPoints, batch: dict[str, Any]
    ) -> dict[str, Tensor]:
        """Refine each sample.

        Args:
            model: With its trained networks; they are not changed.
            batch: What the model's losses compare, (B, ...) each.

        Returns:
            What the shape network emits of each sample after its refinement, stacked.
        """
        found = []
        tensors = {k: v for k, v in batch.items() if isinstance(v, Tensor)}
        for index in range(len(next(iter(tensors.values())))):
            sample = {key: value[index : index + 1] for key, value in tensors.items()}
            found.append(self._refine(model, sample))
        return {key: torch.cat([one[key] for one in found]) for key in found[0]}

    def _refine(
        self, model: SelfSupervisedPoints, sample: dict[str, Any]
    ) -> dict[str, Tensor]:
        trained = model.shape
        model.shape = copy.deepcopy(trained)
        try:
            with torch.enable_grad():
                parameters = [p for p in model.shape.parameters() if p.requires_grad]
                optimizer = torch.optim.Adam(parameters, lr=self.lr)
                first = None
                for _ in range(self.steps):
                    outputs = model.outputs(sample)
                    if first is None:
                        first = outputs["points"].detach()
                    loss = model.weigh(outputs, sample)["loss_shape"]
                    loss = loss + self.keep * chamfer_distance(outputs["points"], first)
                    slopes = torch.autograd.grad(loss, parameters, allow_unused=True)
                    for parameter, slope in zip(parameters, slopes, strict=True):
                        parameter.grad = slope
                    optimizer.step()
            with torch.no_grad():
                return model.find_shape(sample)
        finally:
            model.shape = trained
