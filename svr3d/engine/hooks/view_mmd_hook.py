# SPDX-License-Identifier: Apache-2.0
"""Logs with each validation how far apart the codes of different views are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mmengine.dist import all_gather_object, broadcast_object_list, is_main_process
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.registry import HOOKS

from svr3d.analysis.codes import CodeCollector
from svr3d.analysis.view_domains import PUBLISHED_COUNT, measure_domains
from svr3d.errors import DataError

if TYPE_CHECKING:
    from mmengine.runner import Runner


@HOOKS.register_module()
class ViewMMDHook(Hook):
    """Measures the mean discrepancy (MMD) over pairs of views at each validation.

    The validation's samples are encoded once more, each view by itself, and the figure
    joins the validation's metrics as ``codes/view_mmd``, so that it is logged, drawn
    and may choose the best checkpoint. Where there are no two views with two codes, a
    warning says so and the run goes on.

    Source: ``eval_MMD`` of bomb2peng/learn3D, ``3D-GAN.py``.
    """

    def __init__(
        self, *, azimuth_bins: int | None = None, most: int | None = PUBLISHED_COUNT
    ):
        """Set up what is compared.

        Args:
            azimuth_bins: Bins of azimuths that are compared; None compares the classes
                or numbers of views.
            most: Codes of each domain, the first ones; None takes all.

        Raises:
            ValueError: If a number is too small.
        """
        if azimuth_bins is not None and azimuth_bins < 2:
            raise ValueError(f"azimuth_bins: expected at least 2, found {azimuth_bins}")
        if most is not None and most < 2:
            raise ValueError(f"most: expected at least 2, found {most}")
        self.azimuth_bins = azimuth_bins
        self.most = most
        self._codes = CodeCollector()

    def before_val_epoch(self, runner: Runner) -> None:
        """Forget the codes of an earlier validation."""
        self._codes = CodeCollector()

    def after_val_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict[str, Any] | None = None,
        outputs: Sequence | None = None,
    ) -> None:
        """Encode the batch."""
        model = runner.model
        self._codes.add(model.module if is_model_wrapper(model) else model, data_batch)

    def after_val_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Measure the codes of all processes, and add the figure to the metrics."""
        shares = all_gather_object(self._codes)
        self._codes = CodeCollector()
        found: list[float | None] = [None]
        if is_main_process():
            self._codes.merge(shares)
            try:
                found[0] = measure_domains(
                    self._codes.table(),
                    azimuth_bins=self.azimuth_bins,
                    most=self.most,
                    chance_seed=None,
                ).mean
            except DataError as error:
                runner.logger.warning(f"ViewMMDHook: {error}")
        broadcast_object_list(found)
        self._codes = CodeCollector()
        if found[0] is None:
            return
        # The hook that copies metrics for the log has run already.
        runner.message_hub.update_scalar("val/codes/view_mmd", found[0])
        if metrics is not None:
            metrics["codes/view_mmd"] = found[0]
