# SPDX-License-Identifier: Apache-2.0
"""Codes that do not tell the view, by gradients of a classifier that are reversed."""

from typing import Any

from mmengine.registry import MODELS
from torch import Tensor, nn

from svr3d.models.adversaries.base import Adversary, Render, view_classes
from svr3d.models.adversaries.view_classifier import ViewClassifier
from svr3d.models.adversaries.view_confusion import classification
from svr3d.models.layers.gradient_reversal import reverse_gradient
from svr3d.models.reconstructors.build_parts import build_part


@MODELS.register_module()
class ViewReversal(Adversary):
    """A classifier of views whose gradient reaches the encoder with the other sign.

    The alternative to :class:`~svr3d.models.adversaries.view_confusion.ViewConfusion`
    that needs no alternation: its one objective 'discriminate' trains classifier and
    encoder in the same step. Source: Ganin and Lempitsky (ICML 2015).
    """

    objectives = ("discriminate",)

    def __init__(self, classifier: dict | nn.Module, *, weight: float = 1.0):
        """Set up the adversary.

        Args:
            classifier: Codes (B, C) -> logarithms of probabilities: a
                ``ViewClassifier``.
            weight: Factor of the reversed gradient; the classifier's own has 1.
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
        """Return the objective.

        Args:
            objective: 'discriminate'.
            outputs: ``codes`` (B, C).
            batch: ``view_classes`` (B, 1).
            render: Unused.

        Returns:
            ``loss_discriminate``, with ``view_accuracy``, the share of the batch whose
            view was found.

        Raises:
            ConfigError: If the number of classes is not known yet.
            ValueError: If the objective is unknown or the batch lacks the classes.
        """
        self.check_objective(objective)
        logs = self.classifier(reverse_gradient(outputs["codes"], self.weight))
        return classification(logs, view_classes(batch, self, logs.shape[1]))
