# SPDX-License-Identifier: Apache-2.0
"""Codes that do not tell the view, by confusing a classifier of views."""

import math
from typing import Any

from mmengine.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F

from svr3d.models.adversaries.base import Adversary, Render, view_classes
from svr3d.models.adversaries.view_classifier import ViewClassifier
from svr3d.models.reconstructors.build_parts import build_part


@MODELS.register_module()
class ViewConfusion(Adversary):
    r"""A classifier of views, and an encoder that learns to make it find all alike.

    Objective 'discriminate' trains the classifier, codes detached:
    :math:`-\log p_k`, the mean over the batch. Objective 'confuse' trains the encoder:
    :math:`\sum_k (\log p_k + \log V)^2` of V classes, the mean over the batch. It is a
    squared distance of logarithms, which is large where the classifier is sure.

    Source: Peng et al., "Learning Pose-invariant 3D Object Reconstruction from
    Single-view Images" (arXiv 2004.01347), and ``3D-GAN.py`` of bomb2peng/learn3D.
    """

    objectives = ("discriminate", "confuse")

    def __init__(self, classifier: dict | nn.Module, *, weight: float = 1.0):
        """Set up the adversary.

        Args:
            classifier: Codes (B, C) -> logarithms of probabilities: a
                ``ViewClassifier``.
            weight: Factor of the objective 'confuse'.
        """
        super().__init__()
        self.classifier: ViewClassifier = build_part(classifier, MODELS)
        self.weight = weight

    def forward(
        self,
        objective: str,
        outputs: dict[str, Tensor],
        batch: dict[str, Any],
        render: Render,
    ) -> dict[str, Tensor]:
        """Return an objective.

        Args:
            objective: 'discriminate' or 'confuse'.
            outputs: ``codes`` (B, C).
            batch: ``view_classes`` (B, 1), for 'discriminate'.
            render: Unused.

        Returns:
            ``loss_discriminate``, with ``view_accuracy``, the share of the batch whose
            view was found; or ``loss_confuse``.

        Raises:
            ConfigError: If the number of classes is not known yet.
            ValueError: If the objective is unknown or the batch lacks the classes.
        """
        self.check_objective(objective)
        if objective == "confuse":
            logs = self.classifier(outputs["codes"])
            gap = (logs + math.log(logs.shape[1])).square().sum(1).mean()
            return {"loss_confuse": self.weight * gap}
        logs = self.classifier(outputs["codes"].detach())
        return classification(logs, view_classes(batch, self, logs.shape[1]))


def classification(logs: Tensor, target: Tensor) -> dict[str, Tensor]:
    """Return the cross entropy and the accuracy of a classification.

    Args:
        logs: (B, K) logarithms of probabilities.
        target: (B,) int64.
    """
    right = (logs.detach().argmax(1) == target).float().mean()
    return {"loss_discriminate": F.nll_loss(logs, target), "view_accuracy": right}
