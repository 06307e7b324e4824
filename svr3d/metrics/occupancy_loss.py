# SPDX-License-Identifier: Apache-2.0
"""Validation loss of occupancy networks as the metric of runners."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.evaluator import BaseMetric
from torch import Tensor

from svr3d.registry import METRICS


@METRICS.register_module()
class OccupancyLoss(BaseMetric):
    """Loss of occupancy fields at labelled points: minus the evidence lower bound.

    'rec_error' is the cross entropy, summed over the points of a sample, 'kl' the
    divergence of the latent vector, 0 for fields without one, and 'loss' their sum; all
    are means over samples. Smaller is better. 'logit_accuracy' is the share of points
    whose logit (not probability) lies on the label's side of 0.5, which is what the
    re-implementation logs as 'acc_loss'. Source: Trainer.eval_step in
    im2mesh/onet/training.py of autonomousvision/occupancy_networks.
    """

    default_prefix = "occupancy"

    def __init__(
        self,
        *,
        reduction: str = "sum",
        collect_device: str = "cpu",
        prefix: str | None = None,
    ):
        """Set up the metric.

        Args:
            reduction: 'sum' over the points of a sample, or 'mean', as in the
                re-implementation.
            collect_device: Where results of several processes meet, 'cpu' or 'gpu'.
            prefix: Prefix of the metric's names, 'occupancy' by default.

        Raises:
            ValueError: If the reduction is unknown.
        """
        super().__init__(collect_device=collect_device, prefix=prefix)
        if reduction not in ("sum", "mean"):
            raise ValueError(
                f"OccupancyLoss: expected reduction 'sum' or 'mean', found "
                f"{reduction!r}"
            )
        self.reduction = reduction

    @torch.no_grad()
    def process(self, data_batch: dict[str, Any], data_samples: Sequence[Any]) -> None:
        """Evaluate the fields of one batch.

        Args:
            data_batch: Collated batch with ``points`` (B, T, 3) and ``occupancies``
                (B, T).
            data_samples: B occupancy fields of one sample each.

        Raises:
            ValueError: If there are no labelled points, or a structure is no field.
        """
        for key in ("points", "occupancies"):
            if key not in data_batch:
                raise ValueError(
                    f"OccupancyLoss: expected {key!r} in the batch, found "
                    f"{', '.join(map(repr, data_batch))}; let the data set load points"
                )
        for index, sample in enumerate(data_samples):
            if not hasattr(sample, "evidence"):
                raise ValueError(
                    "OccupancyLoss: expected occupancy fields, found "
                    f"{type(sample).__name__}"
                )
            points = _one(data_batch["points"], index, sample.codes)
            labels = _one(data_batch["occupancies"], index, sample.codes)
            error, divergence = sample.evidence(points, labels)
            if self.reduction == "mean":
                error = error / labels.shape[1]
            right = (sample.logits(points) > 0.5) == (labels > 0.5)
            self.results.append(
                {
                    "loss": float(error + divergence),
                    "rec_error": float(error),
                    "kl": float(divergence),
                    "logit_accuracy": float(right.float().mean()),
                }
            )

    def compute_metrics(self, results: list[dict[str, float]]) -> dict[str, float]:
        """Average all samples.

        Args:
            results: What :meth:`process` collected, of all processes.
        """
        return {
            name: sum(result[name] for result in results) / len(results)
            for name in results[0]
        }


def _one(values: Tensor | Sequence[Tensor], index: int, like: Tensor) -> Tensor:
    return values[index].unsqueeze(0).to(like.device)
