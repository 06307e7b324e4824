# SPDX-License-Identifier: Apache-2.0
"""A residual block of linear layers."""

from torch import Tensor, nn
from torch.nn import functional as F


class FCBlock(nn.Module):
    """x + fc_1(relu(fc_0(relu(x)))); ``fc_1`` starts at weight 0.

    Where the widths differ, a linear layer without bias is the shortcut. Source: He et
    al., "Identity mappings in deep residual networks" (ECCV 2016), as Occupancy
    Networks uses it (im2mesh/layers.py, ResnetBlockFC).
    """

    def __init__(self, in_features: int, out_features: int):
        """Set up the block.

        Args:
            in_features: Features of the input.
            out_features: Features of the output; the smaller of the two is the width
                between the layers.
        """
        super().__init__()
        hidden = min(in_features, out_features)
        self.fc_0 = nn.Linear(in_features, hidden)
        self.fc_1 = nn.Linear(hidden, out_features)
        self.shortcut: nn.Module = nn.Identity()
        if in_features != out_features:
            self.shortcut = nn.Linear(in_features, out_features, bias=False)
        nn.init.zeros_(self.fc_1.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block.

        Args:
            x: (..., in_features).

        Returns:
            (..., out_features).
        """
        return self.shortcut(x) + self.fc_1(F.relu(self.fc_0(F.relu(x))))
