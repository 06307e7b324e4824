# SPDX-License-Identifier: Apache-2.0
"""Momentum orthogonalised by Newton and Schulz, for networks of convolutions."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from mmengine.registry import OPTIMIZERS
from torch import Tensor
from torch.optim import Optimizer

# The quintic iteration with the steepest slope at zero (Jordan et al.).
_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


@OPTIMIZERS.register_module()
class ConvMuon(Optimizer):
    """Steps along the nearest orthogonal matrix to each weight's momentum.

    A convolution's weight (O, I, ...) counts as the matrix (O, I * ...), which
    ``torch.optim.Muon`` refuses; all else (vectors, weights of a single row or column,
    and those of more than ``largest_matrix`` numbers, whose orthogonalisation would
    cost more than it gains) takes Adam's steps at rate ``lr * adam_ratio``. One
    schedule therefore drives both. No weight decay.

    Source: Jordan et al., "Muon: an optimizer for hidden layers in neural networks"
    (2024); Kingma and Ba, "Adam" (2015).

    Args:
        params: Parameters or groups of them.
        lr: Rate of the orthogonal steps, whose matrices have singular values near 1,
            times sqrt(max(1, rows / columns)).
        momentum: Decay of the gradients' running mean; Nesterov's form.
        adam_ratio: Adam's rate over ``lr``.
        betas: Adam's decays.
        eps: Adam's addition to the denominator.
        steps: Newton-Schulz iterations.
        largest_matrix: Size from which Adam serves.

    Raises:
        ValueError: If a rate or decay is out of range.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 0.02,
        *,
        momentum: float = 0.95,
        adam_ratio: float = 0.05,
        betas: tuple[float, float] = (0.9, 0.99),
        eps: float = 1e-8,
        steps: int = 5,
        largest_matrix: int = 1 << 19,
    ):
        if lr < 0 or adam_ratio < 0:
            raise ValueError(
                "ConvMuon: expected lr and adam_ratio of 0 or more, found "
                f"{lr} and {adam_ratio}"
            )
        for name, value in (("momentum", momentum), *(("betas", b) for b in betas)):
            if not 0 <= value < 1:
                raise ValueError(
                    f"ConvMuon: expected {name} from 0 to below 1, found {value}"
                )
        settings = dict(
            lr=lr,
            momentum=momentum,
            adam_ratio=adam_ratio,
            betas=tuple(betas),
            eps=eps,
            steps=steps,
            largest_matrix=largest_matrix,
        )
        super().__init__(params, settings)

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        """Update every parameter that has a gradient.

        Args:
            closure: Computes the loss again and returns it.

        Returns:
            The closure's loss, if there is a closure.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if _is_matrix(weight, group["largest_matrix"]):
                    _muon_step(weight, state, group)
                else:
                    _adam_step(weight, state, group)
        return loss


def orthogonalize(matrix: Tensor, steps: int = 5) -> Tensor:
    """Return roughly U V^T of a matrix U S V^T, without decomposing it.

    The iteration leaves singular values between about 0.7 and 1.2.

    Args:
        matrix: (R, C), not zero.
        steps: Iterations.

    Returns:
        (R, C).
    """
    a, b, c = _NEWTON_SCHULZ
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / x.norm().clamp(min=1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x


def _is_matrix(weight: Tensor, largest: int) -> bool:
    if weight.ndim < 2 or weight.numel() > largest:
        return False
    return min(weight.shape[0], weight[0].numel()) > 1


def _muon_step(weight: Tensor, state: dict, group: dict) -> None:
    if not state:
        state["momentum"] = torch.zeros_like(weight)
    mean = state["momentum"].lerp_(weight.grad, 1 - group["momentum"])
    ahead = weight.grad.lerp(mean, group["momentum"])
    matrix = ahead.reshape(weight.shape[0], -1)
    update = orthogonalize(matrix, group["steps"])
    scale = math.sqrt(max(1.0, matrix.shape[0] / matrix.shape[1]))
    weight.add_(update.reshape(weight.shape), alpha=-group["lr"] * scale)


def _adam_step(weight: Tensor, state: dict, group: dict) -> None:
    if not state:
        state["step"] = 0
        state["mean"] = torch.zeros_like(weight)
        state["square"] = torch.zeros_like(weight)
    first, second = group["betas"]
    state["step"] += 1
    state["mean"].lerp_(weight.grad, 1 - first)
    state["square"].mul_(second).addcmul_(weight.grad, weight.grad, value=1 - second)
    # Both running means start from zero; these factors undo that.
    rate = group["lr"] * group["adam_ratio"] / (1 - first ** state["step"])
    root = (state["square"] / (1 - second ** state["step"])).sqrt_().add_(group["eps"])
    weight.addcdiv_(state["mean"], root, value=-rate)
