# SPDX-License-Identifier: Apache-2.0
"""A hook that ends runs of tests at a chosen iteration."""

from mmengine.hooks import Hook
from mmengine.registry import HOOKS


class Killed(BaseException):
    """Ends a run as a power cut does: nothing is saved or tidied up."""


@HOOKS.register_module()
class KillsRun(Hook):
    """Kills the run before one of its iterations."""

    def __init__(self, at: int = -1):
        self.at = at

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == self.at:
            raise Killed
