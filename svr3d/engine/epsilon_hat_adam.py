# SPDX-License-Identifier: Apache-2.0
"""Adam with its small constant beside the uncorrected second moment."""

import math
from collections.abc import Callable
from typing import Any

from mmengine.registry import OPTIMIZERS
from torch.optim import Adam


@OPTIMIZERS.register_module()
class EpsilonHatAdam(Adam):
    """Adam whose step is lr sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + eps).

    ``torch.optim.Adam`` adds eps to the corrected sqrt(v / (1 - b2^t)), so there it
    weighs sqrt(1 - b2^t) times as much; at the first step that is 1/32. Everything
    else, arguments included, is torch's; ``weight_decay`` is an L2 term of the
    gradient. All parameters of a group must be updated equally often.

    Source: Kingma and Ba, "Adam" (2015), end of section 2; the form of
    chrischoy/3D-R2N2, lib/solver.py.
    """

    def step(self, closure: Callable | None = None) -> Any:
        """Update the parameters.

        Args:
            closure: Recomputes the loss.

        Returns:
            What the closure returned.
        """
        kept = [group["eps"] for group in self.param_groups]
        for group in self.param_groups:
            steps = (self.state[p]["step"] for p in group["params"] if self.state[p])
            step = float(next(steps, 0)) + 1
            group["eps"] /= math.sqrt(1 - group["betas"][1] ** step)
        try:
            return super().step(closure)
        finally:
            for group, eps in zip(self.param_groups, kept, strict=True):
                group["eps"] = eps
