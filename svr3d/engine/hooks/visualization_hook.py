# SPDX-License-Identifier: Apache-2.0
"""Pictures of what a model sees, should give and gives, while it trains and tests."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from mmengine.dist import all_gather_object, is_main_process
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.registry import HOOKS
from mmengine.runner import IterBasedTrainLoop

from svr3d.structures import DEFAULT_THRESHOLD, Mesh, PointCloud, Structure, Voxels

if TYPE_CHECKING:
    from mmengine.runner import Runner


@dataclass
class _Tested:
    """One tested sample, small enough to be kept."""

    sample_id: str
    category: int
    iou: float | None  # none where targets are clouds
    picture: np.ndarray
    prediction: Structure
    target: Voxels | PointCloud

    @property
    def rank(self) -> int:
        """A number that has nothing to do with how good the result is."""
        return zlib.crc32(self.sample_id.encode())


@HOOKS.register_module()
class VisualizationHook(Hook):
    """Writes sheets of input, target and prediction into ``work_dir/pictures``.

    After a validation the same samples, equally spaced over the validation set, are
    drawn again (``epoch_0003.png``, or ``iter_...`` for runs by iteration) and handed
    to mmengine's visualizer, which passes them to TensorBoard. A run without
    validation draws training samples at the end of an epoch. A test writes
    ``test_samples.png`` (drawn by lot), ``test_best.png`` and ``test_worst.png``. A
    picture that cannot be drawn is logged and never stops a run; no random number is
    used, so that pictures do not change a training.

    Where a metric has compared cameras (:class:`~svr3d.metrics.PoseErrors`), a test
    writes ``test_cameras_<category>.png`` too.

    Targets are voxels, or clouds where data have no voxels: then nothing says which
    samples are best, and a test draws those by lot alone. Where a metric has fitted
    rotations (:class:`~svr3d.metrics.AlignedPointDistances`), predictions are drawn
    after them.
    """

    priority = "LOW"

    def __init__(
        self,
        interval: int = 1,
        *,
        num_samples: int = 8,
        num_views: int = 2,
        threshold: float = DEFAULT_THRESHOLD,
        cell_size: int = 160,
        mode: str = "cubes",
    ):
        """Set up what is drawn.

        Args:
            interval: Draw after each ``interval``-th validation (or epoch, where there
                is no validation).
            num_samples: Rows of a sheet.
            num_views: Views of target and of prediction.
            threshold: Predicted cells that reach it are drawn as solid.
            cell_size: Side of a picture in pixels.
            mode: How voxels are drawn, ``cubes`` or ``smooth``.
        """
        if interval < 1 or num_samples < 1:
            raise ValueError(
                "VisualizationHook: expected interval and num_samples of at least 1, "
                f"found {interval} and {num_samples}"
            )
        self.interval = interval
        self.num_samples = num_samples
        self.num_views = num_views
        self.threshold = threshold
        self.cell_size = cell_size
        self.mode = mode
        self._validations = 0
        self._kept: dict[str, list[_Tested]] = {}

    def after_val_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Draw the validation's samples."""
        self._validations += 1
        if self._validations % self.interval == 0:
            # A loop by iterations says that it has one epoch.
            loop = getattr(runner, "_train_loop", None)
            by_epoch = not isinstance(loop, IterBasedTrainLoop)
            step = runner.epoch if by_epoch else runner.iter
            unit = "epoch" if by_epoch else "iter"
            self._try_to_draw(runner, runner.val_dataloader, unit, step)

    def after_train_epoch(self, runner: Runner) -> None:
        """Draw training samples where there is no validation."""
        if runner._val_loop is None and self.every_n_epochs(runner, self.interval):
            self._try_to_draw(
                runner, runner.train_dataloader, "epoch", runner.epoch + 1
            )

    def before_test_epoch(self, runner: Runner) -> None:
        """Forget the samples of an earlier test."""
        self._kept = {"samples": [], "best": [], "worst": []}

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict[str, Any] | None = None,
        outputs: Sequence | None = None,
    ) -> None:
        """Keep the samples that will be drawn."""
        if not isinstance(outputs, Structure):
            return
        self._keep(_tested(data_batch, outputs, self.threshold))

    def after_test_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Draw samples by lot, the best and the worst, of all processes together."""
        shares = all_gather_object(self._kept)
        if not is_main_process():
            return
        self.before_test_epoch(runner)
        for share in shares:
            self._keep([sample for part in share.values() for sample in part])
        metrics = _metrics(getattr(runner, "_test_loop", None))
        try:
            _draw_cameras(_folder(runner), metrics)
        except Exception:
            runner.logger.warning("pictures of the cameras", exc_info=True)
        for name, samples in self._kept.items():
            if not samples:
                continue
            try:
                path = _folder(runner) / f"test_{name}.png"
                self.write(path, samples, metrics=metrics)
            except Exception:
                runner.logger.warning("pictures of the test", exc_info=True)

    def write(
        self, path: Path, samples: Sequence[_Tested], *, metrics: Sequence[Any] = ()
    ) -> np.ndarray:
        """Draw tested samples into a file and return the sheet (H, W, 3) uint8.

        Args:
            path: The file.
            samples: One or more.
            metrics: That evaluated them; one may know rotations of the predictions.
        """
        from svr3d.visualization import comparison_grid, save_picture

        turned = [_turned(sample, metrics) for sample in samples]
        sheet = comparison_grid(
            [sample.picture for sample in samples],
            type(turned[0]).cat(turned),
            type(samples[0].target).cat([sample.target for sample in samples]),
            titles=[_title(sample) for sample in samples],
            num_views=self.num_views,
            cell_size=self.cell_size,
            threshold=self.threshold,
            mode=self.mode,
        )
        save_picture(sheet, path)
        return sheet

    def predict(self, model: torch.nn.Module, dataloader) -> list[_Tested]:
        """Run the model on equally spaced samples of a loader's data set.

        Args:
            model: A reconstructor; its training mode is restored.
            dataloader: Whose data set and collate function are used.
        """
        if is_model_wrapper(model):
            model = model.module
        dataset = dataloader.dataset
        count = min(self.num_samples, len(dataset))
        picked = [(2 * i + 1) * len(dataset) // (2 * count) for i in range(count)]
        batch = dataloader.collate_fn([dataset[index] for index in picked])
        training = model.training
        model.eval()
        try:
            with torch.no_grad():
                outputs = model.test_step(batch)
        finally:
            model.train(training)
        return _tested(batch, outputs, self.threshold)

    def _try_to_draw(self, runner: Runner, dataloader, unit: str, step: int) -> None:
        if not is_main_process():
            return
        try:
            samples = self.predict(runner.model, dataloader)
            path = _folder(runner) / f"{unit}_{step:04d}.png"
            if not samples:
                return
            metrics = _metrics(getattr(runner, "_val_loop", None))
            sheet = self.write(path, samples, metrics=metrics)
            runner.visualizer.add_image("input_target_prediction", sheet, step=step)
        except Exception:
            runner.logger.warning("pictures of %s %d", unit, step, exc_info=True)

    def _keep(self, samples: Sequence[_Tested]) -> None:
        orders = {
            "samples": lambda sample: (sample.rank, sample.sample_id),
            "best": lambda sample: (-sample.iou, sample.sample_id),
            "worst": lambda sample: (sample.iou, sample.sample_id),
        }
        for name, order in orders.items():
            # Samplers repeat samples to give all processes equally many.
            known = {sample.sample_id: sample for sample in self._kept[name]}
            known.update(
                {
                    sample.sample_id: sample
                    for sample in samples
                    if name == "samples" or sample.iou is not None
                }
            )
            self._kept[name] = sorted(known.values(), key=order)[: self.num_samples]


def _folder(runner: Runner) -> Path:
    return Path(runner.work_dir) / "pictures"


def _first_view(batch: dict[str, Any], index: int) -> np.ndarray:
    """Return a sample's first view (H, W, 3) uint8, or white where it has none."""
    from svr3d.visualization import image_to_picture

    if "images" not in batch:
        return np.full((64, 64, 3), 255, np.uint8)
    return image_to_picture(batch["images"][index][0].cpu().numpy())


def _tested(
    batch: dict[str, Any], outputs: Structure, threshold: float
) -> list[_Tested]:
    """Pair each prediction with its first input view and its target.

    There are none for a batch without targets.
    """
    from svr3d.visualization import voxel_iou

    if "voxels" in batch:
        targets = Voxels(torch.as_tensor(batch["voxels"]).cpu())
    elif "surface_points" in batch:
        targets = PointCloud(torch.as_tensor(batch["surface_points"]).cpu().float())
    else:
        return []
    samples = []
    for index, prediction in enumerate(outputs.cpu()):
        target, iou = targets[index], None
        if isinstance(target, Voxels):
            voxels = prediction.to_voxels(target.resolution)
            iou = voxel_iou(voxels, target, threshold=threshold)
        samples.append(
            _Tested(
                sample_id=str(batch["sample_id"][index]),
                category=int(batch.get("category", [0] * len(outputs))[index]),
                iou=iou,
                picture=_first_view(batch, index),
                prediction=_own_memory(prediction),
                target=_own_memory(target),
            )
        )
    return samples


def _own_memory(shape: Structure) -> Structure:
    """Return one sample by itself: a view would keep the whole batch in memory."""
    if isinstance(shape, Voxels):
        return Voxels(shape.probabilities.clone())
    if isinstance(shape, PointCloud):
        return dataclasses.replace(shape, points=[shape.points[0].clone()])
    return shape


def _title(sample: _Tested) -> str:
    score = "" if sample.iou is None else f"   IoU {sample.iou:.3f}"
    return f"{sample.sample_id}{score}"


def _metrics(loop: Any) -> Sequence[Any]:
    """Return the metrics of a loop that has been built."""
    return getattr(getattr(loop, "evaluator", None), "metrics", ())


def _draw_cameras(folder: Path, metrics: Sequence[Any]) -> None:
    """Plot the cameras of each category that a metric has compared."""
    from svr3d.visualization import draw_cameras

    for metric in metrics:
        for name, (predicted, true, rotation) in getattr(metric, "cameras", {}).items():
            path = folder / f"test_cameras_{name.replace('/', '_')}.png"
            draw_cameras(predicted, true, path, rotation=rotation, title=name)


def _turned(sample: _Tested, metrics: Sequence[Any]) -> Structure:
    """Return a prediction after the rotation that a metric fitted to its category."""
    shape = sample.prediction
    field = {PointCloud: "points", Mesh: "vertices"}.get(type(shape))
    for metric in metrics:
        fitted = getattr(metric, "fitted", None)
        if not fitted or field is None:
            continue
        facts = {"category": sample.category, "sample_id": sample.sample_id}
        rotation = fitted.get(metric.category_name(facts))
        if rotation is not None:
            points = getattr(shape, field)[0].detach()
            return dataclasses.replace(
                shape, **{field: [points @ rotation.to(points).T]}
            )
    return shape
