# SPDX-License-Identifier: Apache-2.0
"""Parts that training takes into use only after some epochs."""

import torch
from torch import Tensor, nn


class StagedPart(nn.Module):
    """A part that knows whether it is in use already.

    Whether it is, is stored with the weights, so that a checkpoint that was written
    before a part came into use is tested, and resumed, without it.
    :class:`~svr3d.engine.hooks.start_parts_hook.StartPartsHook` switches it.

    Attributes:
        in_use: Whether the part does its work; what happens otherwise, it documents.
    """

    def __init__(self):
        super().__init__()
        self.in_use = True

    def get_extra_state(self) -> Tensor:
        """Return what the state dict holds beside weights: whether it is in use."""
        return torch.tensor(self.in_use)

    def set_extra_state(self, state: Tensor) -> None:
        """Take that from a state dict.

        Args:
            state: One boolean.
        """
        self.in_use = bool(state)
