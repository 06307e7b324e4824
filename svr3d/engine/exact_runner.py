# SPDX-License-Identifier: Apache-2.0
"""mmengine's runner with safe, complete and atomic checkpoints."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import mmengine
import torch
from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook, Hook
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.registry import RUNNERS
from mmengine.runner import Runner
from torch import nn

from svr3d import __version__
from svr3d.engine.atomic import atomic_file, write_text_atomically
from svr3d.engine.checkpoint import (
    check_state_dict,
    find_last_checkpoint,
    read_checkpoint,
)
from svr3d.engine.compat import plain_message_hub, rebuild_message_hub, to_builtins
from svr3d.engine.config import config_to_text
from svr3d.engine.distributed import SharedBatchDataParallel, gather_objects
from svr3d.engine.hooks.checkpoint_hook import AtomicCheckpointHook
from svr3d.engine.hooks.interrupt_hook import InterruptHook
from svr3d.engine.hooks.run_state_hook import RunStateHook
from svr3d.engine.loops import ResumableEpochLoop, ResumableLoop
from svr3d.engine.random_state import capture_random_state
from svr3d.errors import CheckpointError
from svr3d.models.layers.data_width import (
    open_widths,
    settle_by_data,
    settle_by_state,
)
from svr3d.models.layers.sync_batch_norm import convert_sync_batch_norm


class RunInterrupted(KeyboardInterrupt):
    """A signal ended the run between two iterations.

    Attributes:
        checkpoint: The file to resume from.
    """

    def __init__(self, checkpoint: Path):
        super().__init__(f"interrupted; {checkpoint} holds the state")
        self.checkpoint = checkpoint


@RUNNERS.register_module()
class ExactRunner(Runner):
    """Runner whose runs end with the same weights, however often they are resumed.

    Checkpoints hold all state of all processes, as tensors and builtins, and appear
    complete or not at all.

    Attributes:
        loaded_meta: The ``meta`` of the checkpoint that was loaded last.
    """

    def __init__(self, *args: Any, **kwargs: Any):
        # The config as it was given: mmengine changes its copy while it builds.
        cfg = kwargs.get("cfg")
        self._config_text = config_to_text(cfg) if cfg else ""
        self._resumed: dict[str, Any] | None = None
        self.loaded_meta: dict[str, Any] = {}
        super().__init__(*args, **kwargs)

    # -- building ---------------------------------------------------------------

    def wrap_model(self, model_wrapper_cfg: dict | None, model: nn.Module) -> nn.Module:
        """Wrap the model for several processes, on CPUs too.

        Parts whose width is that of the training data get it before.

        Raises:
            ConfigError: If the training data does not tell that width.
        """
        if self._train_loop is not None and open_widths(model):
            settle_by_data(model, self.train_dataloader.dataset)
        if is_model_wrapper(model) or not self.distributed:
            return super().wrap_model(model_wrapper_cfg, model)
        model = convert_sync_batch_norm(model)
        on_gpu = torch.cuda.is_available()
        if model_wrapper_cfg is not None:
            wrapper = dict(model_wrapper_cfg)
            if not on_gpu:
                wrapper["device_ids"] = None
            return super().wrap_model(wrapper, model)
        return SharedBatchDataParallel(
            model.to("cuda" if on_gpu else "cpu"),
            device_ids=[int(os.environ["LOCAL_RANK"])] if on_gpu else None,
            find_unused_parameters=self.cfg.get("find_unused_parameters", False),
        )

    def register_default_hooks(
        self, hooks: Mapping[str, Hook | dict | None] | None = None
    ) -> None:
        """Register mmengine's hooks, with ours for checkpoints, seeds and signals."""
        hooks = dict(hooks or {})
        checkpoint = hooks.get("checkpoint", dict(interval=1))
        if isinstance(checkpoint, dict):
            kind = checkpoint.get("type", CheckpointHook)
            if kind in ("CheckpointHook", "mmengine.CheckpointHook", CheckpointHook):
                checkpoint = {**checkpoint, "type": AtomicCheckpointHook}
            hooks["checkpoint"] = checkpoint
        hooks.setdefault("run_state", dict(type=RunStateHook))
        hooks.setdefault("interrupt", dict(type=InterruptHook))
        hooks = {key: hook for key, hook in hooks.items() if hook or key in _STOCK}
        super().register_default_hooks(hooks)

    def dump_config(self) -> None:
        """Write the resolved config into the work directory."""
        if is_main_process():
            name = Path(self.cfg.filename or "config.py").stem
            write_text_atomically(Path(self.work_dir, f"{name}.py"), self._config_text)

    @property
    def bare_model(self) -> nn.Module:
        """The model without its wrapper."""
        return self.model.module if is_model_wrapper(self.model) else self.model

    def train(self) -> nn.Module:
        """Train, and return the model; signals are given back however it ends."""
        try:
            return super().train()
        finally:
            for hook in self.hooks:
                if isinstance(hook, InterruptHook):
                    hook.release()

    # -- saving -----------------------------------------------------------------

    def stop(self) -> NoReturn:
        """Save a checkpoint between two iterations and end the run.

        Raises:
            RunInterrupted: Always, in all processes.
        """
        for hook in self.hooks:
            if isinstance(hook, AtomicCheckpointHook):
                path = hook.save_interrupted(self)
                self.visualizer.close()
                raise RunInterrupted(path)
        raise KeyboardInterrupt

    def save_checkpoint(
        self,
        out_dir: str,
        filename: str,
        file_client_args: dict | None = None,
        save_optimizer: bool = True,
        save_param_scheduler: bool = True,
        meta: dict | None = None,
        by_epoch: bool = True,
        backend_args: dict | None = None,
    ) -> None:
        """Save a checkpoint; all processes call this. Arguments are mmengine's."""
        states = []
        if save_optimizer:
            random_state = capture_random_state()
            states = gather_objects(
                {"random_state": random_state, "gradients": self._gradients()}
            )
        if not is_main_process():
            return
        meta = meta if meta is not None else {}
        meta.setdefault("epoch", self.epoch + 1 if by_epoch else self.epoch)
        meta.setdefault("iter", self.iter if by_epoch else self.iter + 1)
        checkpoint = {
            "meta": {**meta, **self._facts()},
            "state_dict": _to_cpu(self.bare_model.state_dict()),
            "message_hub": plain_message_hub(self.message_hub.state_dict()),
        }
        if save_optimizer:
            checkpoint["optimizer"] = _to_cpu(self.optim_wrapper.state_dict())
            checkpoint["run_state"] = self._run_state(meta, states)
        if save_param_scheduler and self.param_schedulers is not None:
            checkpoint["param_schedulers"] = _scheduler_states(self.param_schedulers)
        self.call_hook("before_save_checkpoint", checkpoint=checkpoint)
        for key in checkpoint:
            if key != "state_dict":
                checkpoint[key] = to_builtins(checkpoint[key], key)
        with atomic_file(Path(out_dir, filename)) as file:
            torch.save(checkpoint, file)

    def _facts(self) -> dict[str, Any]:
        """Return what a reader of the checkpoint wants to know."""
        dataset = self.train_dataloader.dataset
        return to_builtins(
            {
                "cfg": self._config_text,
                "seed": self.seed,
                "experiment_name": self.experiment_name,
                "time": time.strftime("%Y%m%d_%H%M%S"),
                "mmengine_version": mmengine.__version__,
                "torch_version": str(torch.__version__),
                "svr3d_version": __version__,
                "protocol": self.cfg.get("protocol"),
                "dataset_meta": getattr(dataset, "metainfo", None),
            },
            "meta",
        )

    def _run_state(self, meta: dict, states: list[dict]) -> dict[str, Any]:
        loop, loader = self.train_loop, self.train_dataloader
        inside = meta["iter"] - meta["epoch"] * len(loader)
        done = inside if isinstance(loop, ResumableEpochLoop) else 0
        return {
            "processes": states,
            "data": {
                "samples": len(loader.dataset),
                "batches_per_epoch": len(loader),
            },
            "batches_done": done,
            "validated": getattr(loop, "validated", -1),
        }

    def _gradients(self) -> dict[str, torch.Tensor] | None:
        """Return gradients that wait for more batches before the optimiser steps."""
        wrapper = self.optim_wrapper
        if isinstance(wrapper, OptimWrapperDict):  # parts accumulate nothing
            return None
        if not isinstance(wrapper, OptimWrapper) or wrapper.should_update():
            return None
        return {
            name: value.grad.detach().cpu()
            for name, value in self.bare_model.named_parameters()
            if value.grad is not None
        }

    # -- loading ----------------------------------------------------------------

    def load_or_resume(self) -> None:
        """Load or resume what the config asks for."""
        if self._resume and self._load_from is None and not self._has_loaded:
            path = find_last_checkpoint(self.work_dir)
            if path is None:
                self.logger.info(f"No checkpoint in {self.work_dir}: starting afresh")
                self._resume = False
                return
            self._load_from = str(path)
        super().load_or_resume()

    def load_checkpoint(
        self,
        filename: str,
        map_location: Any = "cpu",
        strict: bool = True,
        revise_keys: list | None = None,
    ) -> dict[str, Any]:
        """Load the weights of a checkpoint, which must fit the model exactly.

        Raises:
            CheckpointError: If the file is broken, unsafe or of another model.
        """
        checkpoint = read_checkpoint(filename)
        if "message_hub" in checkpoint:
            checkpoint["message_hub"] = rebuild_message_hub(checkpoint["message_hub"])
        state = checkpoint["state_dict"]
        checkpoint["state_dict"] = {
            key.removeprefix("module."): value for key, value in state.items()
        }
        settle_by_state(self.bare_model, checkpoint["state_dict"])
        check_state_dict(self.bare_model, checkpoint["state_dict"], source=filename)
        self.call_hook("after_load_checkpoint", checkpoint=checkpoint)
        self.bare_model.load_state_dict(checkpoint["state_dict"])
        self._has_loaded = True
        self.loaded_meta = dict(checkpoint.get("meta", {}))
        self.logger.info(f"Loaded {filename}")
        if self._resume and self._train_loop is not None:
            self._check_resumable(checkpoint, filename)
            self._resumed = checkpoint["run_state"]
        return checkpoint

    def _check_resumable(self, checkpoint: dict[str, Any], filename: str) -> None:
        missing = [
            key
            for key in ("optimizer", "run_state", "message_hub", "meta")
            if key not in checkpoint
        ]
        if missing:
            raise CheckpointError(
                f"{filename}: cannot be resumed, since it lacks {', '.join(missing)} "
                "(the best_* files hold weights only); use --load-from to start from "
                "its weights"
            )
        meta = getattr(self.train_dataloader.dataset, "metainfo", None)
        if to_builtins(meta, "metainfo") == checkpoint["meta"].get("dataset_meta"):
            # mmengine compares pickles, which differ between equal values.
            checkpoint["meta"]["dataset_meta"] = meta

    def resume(self, filename: str, *args: Any, **kwargs: Any) -> None:
        """Continue from a checkpoint, exactly where it was saved."""
        self._resume = True
        super().resume(filename, *args, **kwargs)
        state, loop = self._resumed, self.train_loop
        batches = self.train_dataloader.batch_sampler
        if hasattr(getattr(batches, "sampler", None), "seed"):
            batches.sampler.seed = self.seed  # it was built before the seed was known
        now = {
            "samples": len(self.train_dataloader.dataset),
            "batches_per_epoch": len(self.train_dataloader),
        }
        if now != state["data"]:
            self.logger.warning(
                f"{filename}: the training data had {state['data']}, now {now}: the "
                "run continues, but not as if it had never stopped"
            )
        if isinstance(loop, ResumableLoop):
            loop.batches_done = min(state["batches_done"], len(loop.dataloader))
            loop.validated = state["validated"]
        processes = state["processes"]
        if len(processes) == self.world_size and isinstance(loop, ResumableLoop):
            loop.random_state = processes[self.rank]["random_state"]
        self._restore_gradients([item["gradients"] for item in processes])
        self._resumed = None

    def _restore_gradients(self, gradients: list[dict | None]) -> None:
        if any(item is None for item in gradients):
            return
        own = gradients[self.rank : self.rank + 1]
        if len(gradients) != self.world_size:  # then each takes their mean
            own = gradients
        for name, parameter in self.bare_model.named_parameters():
            if name in own[0]:
                mean = torch.stack([item[name] for item in own]).mean(dim=0)
                parameter.grad = mean.to(parameter.device, parameter.dtype)


_STOCK = (
    "runtime_info",
    "timer",
    "sampler_seed",
    "logger",
    "param_scheduler",
    "checkpoint",
)


def _to_cpu(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.detach().cpu()
    if isinstance(value, Mapping):
        return type(value)((key, _to_cpu(item)) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return type(value)(_to_cpu(item) for item in value)
    return value


def _scheduler_states(schedulers: Any) -> Any:
    if isinstance(schedulers, dict):
        return {key: _scheduler_states(value) for key, value in schedulers.items()}
    return [scheduler.state_dict() for scheduler in schedulers]
