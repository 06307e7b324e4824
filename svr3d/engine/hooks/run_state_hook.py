# SPDX-License-Identifier: Apache-2.0
"""Makes each training iteration independent of what ran before it."""

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.registry import HOOKS
from mmengine.runner import Runner

from svr3d.engine.random_state import seed_iteration


@HOOKS.register_module()
class RunStateHook(Hook):
    """Seeds every iteration, and notes which validation is done."""

    priority = "VERY_HIGH"

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch=None):
        """Seed the generators by run, iteration and process.

        A model whose steps differ from iteration to iteration has an attribute
        ``iteration``, and is told which one it is.
        """
        seed_iteration(runner.seed, runner.iter, runner.rank)
        model = runner.model
        model = model.module if is_model_wrapper(model) else model
        if hasattr(model, "iteration"):
            model.iteration = runner.iter

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None):
        """Note that the current weights are validated, before they are saved."""
        if hasattr(runner._train_loop, "validated"):
            runner._train_loop.validated = runner.iter
