# SPDX-License-Identifier: Apache-2.0
"""Steps of several optimisers, each of one part of the model."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
import torch.distributed as dist
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor, nn

from svr3d.errors import ConfigError
from svr3d.models.layers.batch_statistics import num_processes


class PartOptimWrappers(OptimWrapperDict):
    """Optimisers by part, which step each by the gradients of a sum of losses.

    All gradients are taken from one forward pass before any part steps. With several
    processes they are averaged by hand, since what spreads them otherwise listens to
    ``backward``, which would mix the sums.
    """

    def __init__(self, **wrappers: OptimWrapper):
        """Take the wrappers by part.

        Raises:
            ConfigError: If their precisions differ.
        """
        super().__init__(**wrappers)
        kinds = {
            name: (type(one).__name__, getattr(one, "cast_dtype", None))
            for name, one in wrappers.items()
        }
        if len(set(kinds.values())) > 1:
            found = ", ".join(
                f"{n} {kind} {dtype}" for n, (kind, dtype) in kinds.items()
            )
            raise ConfigError(
                "optim_wrapper: expected the same type and dtype for all parts, since "
                f"they share a forward pass; found {found}"
            )

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Enter the precision of the parts."""
        with next(iter(self.values())).optim_context(model):
            yield

    def update_params(
        self, losses: Mapping[str, Tensor], *, weight: float = 1.0
    ) -> None:
        """Step parts, all from the same weights.

        Args:
            losses: Part -> the scalar that it follows. Parts that are left out stay;
                those that follow one and the same tensor share its backward pass.
            weight: Factor of all scalars: how much this process's share of the batch
                weighs in the mean over processes.

        Raises:
            ConfigError: If a part has no optimiser.
        """
        missing = [name for name in losses if name not in self.optim_wrappers]
        if missing:
            raise ConfigError(
                f"optim_wrapper: expected PartOptimizers of {', '.join(losses)}, found "
                f"{', '.join(self.keys())}"
            )
        parameters, slopes = [], []
        groups = self._groups(losses)
        for place, names in enumerate(groups, 1):
            own = [p for name in names for p in self._parameters(name)]
            if not own:
                continue
            loss = losses[names[0]] if weight == 1 else losses[names[0]] * weight
            scaler = getattr(self[names[0]], "loss_scaler", None)
            slopes += torch.autograd.grad(
                loss if scaler is None else scaler.scale(loss),
                own,
                retain_graph=place < len(groups),
                allow_unused=True,
            )
            parameters += own
        if num_processes() > 1:
            slopes = _mean_over_processes(parameters, slopes)
        for parameter, slope in zip(parameters, slopes, strict=True):
            parameter.grad = slope
        for name in losses:
            self[name].step()
            self[name].zero_grad()

    def _groups(self, losses: Mapping[str, Tensor]) -> list[list[str]]:
        """Return the parts that share a scalar and its scale."""
        groups: dict[tuple, list[str]] = {}
        for name, loss in losses.items():
            scaled = name if hasattr(self[name], "loss_scaler") else None
            groups.setdefault((id(loss), scaled), []).append(name)
        return list(groups.values())

    def _parameters(self, name: str) -> list[nn.Parameter]:
        groups = self[name].optimizer.param_groups
        return [p for group in groups for p in group["params"] if p.requires_grad]


def _mean_over_processes(
    parameters: list[nn.Parameter], slopes: list[Tensor | None]
) -> list[Tensor | None]:
    """Return the mean of gradients over processes; None where no process has one."""
    if not parameters:
        return slopes
    has = [slope is not None for slope in slopes]
    pieces = [
        parameter.new_zeros(parameter.numel()) if slope is None else slope.flatten()
        for parameter, slope in zip(parameters, slopes, strict=True)
    ]
    # One call for all: counts of the processes that have them, then the gradients.
    packed = torch.cat([pieces[0].new_tensor(has, dtype=pieces[0].dtype), *pieces])
    dist.all_reduce(packed)
    counts, values = packed.split([len(has), packed.numel() - len(has)])
    values = (values / dist.get_world_size()).split([p.numel() for p in parameters])
    return [
        value.view_as(parameter).to(parameter.dtype) if count > 0 else None
        for parameter, value, count in zip(
            parameters, values, counts.tolist(), strict=True
        )
    ]
