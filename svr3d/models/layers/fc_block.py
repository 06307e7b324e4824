# SPDX-License-Identifier: Apache-2.0
"""A residual block of linear layers."""

from torch import Tensor, nn
from torch.nn import functional as F

from svr3d.models.layers.pointwise_linear import PointwiseLinear


class FCBlock(nn.Module):
    """x + fc_1(relu(fc_0(relu(x)))); ``fc_1`` starts at weight 0.

    With the activation 'after' it is x + relu(fc_1(x)) and has no ``fc_0``: the program
    that has this form applies ``fc_0`` too, but never uses what comes out.

    Where the widths differ, a linear layer without bias is the shortcut. Source: He et
    al., "Identity mappings in deep residual networks" (ECCV 2016), as Occupancy
    Networks uses it (im2mesh/layers.py, ResnetBlockFC).
    """

    def __init__(
        self, in_features: int, out_features: int, *, activation: str = "before"
    ):
        """Set up the block.

        Args:
            in_features: Features of the input.
            out_features: Features of the output; the smaller of the two is the width
                between the layers.
            activation: 'before' for two layers with a ReLU before each, 'after' for one
                with a ReLU behind it, as in the decoder without norms of Occupancy
                Networks' re-implementation.

        Raises:
            ValueError: If ``activation`` is another word.
        """
        super().__init__()
        if activation not in ("before", "after"):
            raise ValueError(
                f"activation: expected 'before' or 'after', found {activation!r}"
            )
        self.activation = activation
        hidden = in_features
        if activation == "before":
            hidden = min(in_features, out_features)
            self.fc_0 = PointwiseLinear(in_features, hidden)
        self.fc_1 = PointwiseLinear(hidden, out_features)
        self.shortcut: nn.Module = nn.Identity()
        if in_features != out_features:
            self.shortcut = PointwiseLinear(in_features, out_features, bias=False)
        nn.init.zeros_(self.fc_1.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block.

        Args:
            x: (..., in_features).

        Returns:
            (..., out_features).
        """
        if self.activation == "after":
            return self.shortcut(x) + F.relu(self.fc_1(x))
        return self.shortcut(x) + self.fc_1(F.relu(self.fc_0(F.relu(x))))
