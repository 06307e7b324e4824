# SPDX-License-Identifier: Apache-2.0
"""Training on several processes that gives what one process gives."""

import torch
import torch.distributed as dist
from mmengine.model import BaseModel, MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from mmengine.registry import MODEL_WRAPPERS
from torch import Tensor, nn

from svr3d.engine.part_wrappers import PartOptimWrappers
from svr3d.errors import NonFiniteLossError
from svr3d.models.layers.batch_share import BatchShare, use_share


@MODEL_WRAPPERS.register_module()
class SharedBatchDataParallel(MMDistributedDataParallel):
    """Data parallel training in which every sample of a global batch weighs the same.

    A loss is the mean over samples. A process's loss is weighted by
    local samples x processes / global samples, so that the average of gradients, which
    torch takes over processes, is the gradient of the mean over the global batch, also
    where shares differ in size. Logged losses are those of the global batch.
    """

    def __init__(
        self,
        module: nn.Module,
        *,
        device_ids: list[int] | None = None,
        find_unused_parameters: bool = False,
        broadcast_buffers: bool = False,
    ):
        """Wrap a model.

        Args:
            module: The model, on its device.
            device_ids: The GPU of this process; None on CPUs.
            find_unused_parameters: Whether some parameters may get no gradient.
            broadcast_buffers: Whether process 0's buffers overwrite the others'. Not
                needed for batch norms, whose statistics are synchronised.
        """
        super().__init__(
            module,
            device_ids=device_ids,
            find_unused_parameters=find_unused_parameters,
            broadcast_buffers=broadcast_buffers,
        )
        self._share: BatchShare | None = None  # all alike

    def set_share(self, first: int, local_samples: int, global_samples: int) -> None:
        """Tell which samples of the next global batch this process has.

        Args:
            first: Number of samples in front of them.
            local_samples: How many.
            global_samples: How many all processes have.
        """
        self._share = BatchShare(first, local_samples, global_samples)

    def train_step(
        self, data: dict | tuple | list, optim_wrapper: OptimWrapper | PartOptimWrappers
    ) -> dict[str, Tensor]:
        """Compute the loss of a share of the batch and update the parameters.

        Args:
            data: The collated share of this process.
            optim_wrapper: Updates the parameters.

        Returns:
            Losses of the global batch, for the log.

        Raises:
            NonFiniteLossError: In all processes, if the loss of any is not finite.
        """
        share, parts = self._share, isinstance(optim_wrapper, PartOptimWrappers)
        # Optimisers of parts average gradients themselves; torch must not wait for any.
        runs = self.module if parts else self
        weight = share.count / share.total if share else 1 / dist.get_world_size()
        with use_share(share):
            with optim_wrapper.optim_context(self):
                data = self.module.data_preprocessor(data, training=True)
                losses = runs._run_forward(data, mode="loss")
            loss, logs = self._parse_losses(losses, weight=weight)
            weight *= dist.get_world_size()
            if parts:
                sums = self.module.part_losses(losses, loss)
                optim_wrapper.update_params(sums, weight=weight)
            else:
                optim_wrapper.update_params(loss * weight)
        return logs

    def _parse_losses(
        self, losses: dict[str, Tensor], weight: float
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Sum the losses; average the logged ones; agree on whether they are finite."""
        error = None
        try:
            loss, logs = self.module.parse_losses(losses)
        except NonFiniteLossError as found:
            error = found
            loss, logs = BaseModel.parse_losses(self.module, losses)
        bad = loss.new_tensor([0.0 if error is None else 1.0], dtype=torch.float32)
        values = [torch.as_tensor(v, device=bad.device).float() for v in logs.values()]
        packed = torch.cat([bad, torch.stack(values).detach() * weight])
        dist.all_reduce(packed)
        if packed[0] > 0:
            raise _shared_error(error)
        return loss, dict(zip(logs, packed[1:].unbind(), strict=True))


def _shared_error(own: NonFiniteLossError | None) -> NonFiniteLossError:
    """Return one error that names the samples of all processes with a bad loss."""
    found = [None] * dist.get_world_size()
    message = None if own is None else (str(own), own.sample_ids)
    dist.all_gather_object(found, message)
    found = [item for item in found if item is not None]
    ids = [name for _, names in found for name in names]
    return NonFiniteLossError("; ".join(text for text, _ in found), sample_ids=ids)


def any_process(flag: bool, group: dist.ProcessGroup | None) -> bool:
    """Return whether a flag is set in any process.

    Args:
        flag: The flag of this process.
        group: A group of gloo, so that GPUs need not wait; None for one process.
    """
    if group is None:
        return flag
    value = torch.tensor(float(flag))
    dist.all_reduce(value, op=dist.ReduceOp.MAX, group=group)
    return bool(value)


def gather_objects(value: object) -> list:
    """Return the values of all processes, in the order of their ranks."""
    if not dist.is_initialized() or dist.get_world_size() == 1:
        return [value]
    values = [None] * dist.get_world_size()
    dist.all_gather_object(values, value)
    return values
