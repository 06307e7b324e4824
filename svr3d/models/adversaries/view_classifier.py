# SPDX-License-Identifier: Apache-2.0
"""Tells from a code from where its image was taken."""

from collections.abc import Mapping, Sequence

import torch
from mmengine.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F

from svr3d.models.layers.data_width import DataWidth


@MODELS.register_module()
class ViewClassifier(DataWidth):
    """Linear layers with ReLUs between them, logarithms of probabilities at the end.

    Source: ``feat_Discriminator`` of bomb2peng/learn3D, ``models.py``.
    """

    def __init__(
        self,
        in_features: int = 512,
        num_classes: int | None = None,
        *,
        hidden_features: Sequence[int] = (256, 128),
    ):
        """Set up the classifier.

        Args:
            in_features: Length C of the codes.
            num_classes: Number of view classes; None takes that of the training data.
            hidden_features: Widths of the hidden layers.

        Raises:
            ValueError: If there are fewer than 2 classes or there is no hidden layer.
        """
        super().__init__(num_classes)
        if not hidden_features:
            raise ValueError("ViewClassifier.hidden_features: expected one or more")
        widths = (in_features, *hidden_features)
        self.hidden = nn.ModuleList(
            nn.Linear(inputs, outputs)
            for inputs, outputs in zip(widths[:-1], hidden_features, strict=True)
        )
        if num_classes is not None:
            self.settle(num_classes)

    def make_layer(self, num_classes: int) -> None:
        """Make the last layer."""
        self.to_classes = nn.Linear(self.hidden[-1].out_features, num_classes)

    def classes_of(self, state: Mapping[str, Tensor]) -> int | None:
        """Return the number of classes that a state dict's last layer has."""
        bias = state.get("to_classes.bias")
        return None if bias is None else len(bias)

    def forward(self, codes: Tensor) -> Tensor:
        """Classify codes.

        Args:
            codes: (B, C).

        Returns:
            Logarithms of the classes' probabilities, (B, num_classes) float32.

        Raises:
            ConfigError: If the number of classes is not known yet.
        """
        self.require_settled()
        for layer in self.hidden:
            codes = F.relu(layer(codes))
        return torch.log_softmax(self.to_classes(codes).float(), dim=1)
