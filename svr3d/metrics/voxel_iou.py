# SPDX-License-Identifier: Apache-2.0
"""Voxel IoU as the metric of runners."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from svr3d.errors import ConfigError
from svr3d.metrics.table_metric import (
    TableMetric,
    require,
    stack,
    threshold_columns,
    threshold_scores,
)
from svr3d.metrics.voxel_counts import (
    COUNT_NAMES,
    average_precision,
    counts_to_iou,
    mean_bce,
    voxel_counts,
)
from svr3d.registry import METRICS
from svr3d.structures import Mesh


@METRICS.register_module()
class VoxelIoU(TableMetric):
    """Intersection over union of voxels, per threshold and category.

    Predictions are resampled to the target's grid, in the object frame, without
    alignment. A voxel is predicted where its probability is >= the threshold; two
    empty grids have IoU 1. 'iou_max', the score for model selection, is the largest
    mean over samples of any threshold. Source: hzxie/Pix2Vox, core/test.py.

    After an evaluation, ``table`` holds the :class:`ResultTable` and ``samples`` one
    dict per sample, both in the main process only.
    """

    default_prefix = "voxel"

    def __init__(
        self,
        thresholds: Sequence[float] = (0.2, 0.3, 0.4, 0.5),
        *,
        mesh_voxels: Mapping[str, Any] | None = None,
        bce_weight: float | None = 10.0,
        with_average_precision: bool = False,
        with_counts: bool = False,
        baselines: Mapping[str, Mapping[str, float]] | None = None,
        protocol: Mapping[str, Any] | None = None,
        collect_device: str = "cpu",
        prefix: str | None = None,
    ):
        """Set up the metric.

        Args:
            thresholds: Probabilities at which voxels count as occupied.
            mesh_voxels: How meshes become grids, ``mode`` and ``scale`` of
                :meth:`svr3d.structures.Mesh.to_voxels`; by default cells whose centre
                is inside. The published rule of ``CVPR18`` and ``NIPS17`` data
                (Kato et al., 2018) is ``dict(mode="visibility", scale=31 / 32)``, of
                ``Pascal3D`` ``dict(mode="visibility", scale=1 / 2)``.
            bce_weight: Weight of the mean binary cross entropy that is reported as
                'test_bce' (10 in the published programs); None leaves it out.
            with_average_precision: Whether to report the mean average precision.
            with_counts: Whether samples carry xor, intersection, union, false
                positives and false negatives per threshold.
            baselines: Category name or taxonomy id -> '<V>-view' -> published IoU;
                by default those of the data set.
            protocol: Facts of the evaluation, stored with the table. The number of
                views is replaced by the one found in the batches.
            collect_device: Where results of several processes meet, 'cpu' or 'gpu'.
            prefix: Prefix of the metric's names, 'voxel' by default.
        """
        super().__init__(
            baselines=baselines,
            protocol=protocol,
            collect_device=collect_device,
            prefix=prefix,
        )
        self.thresholds = tuple(float(threshold) for threshold in thresholds)
        self.mesh_voxels = dict(mesh_voxels or {})
        if unknown := self.mesh_voxels.keys() - {"mode", "scale"}:
            raise ConfigError(
                "VoxelIoU: mesh_voxels: expected mode and scale, found "
                f"{', '.join(sorted(unknown))}"
            )
        self.bce_weight = bce_weight
        self.with_average_precision = with_average_precision
        self.with_counts = with_counts

    @property
    def columns(self) -> tuple[str, ...]:
        """Labels of the table's columns."""
        return threshold_columns(self.thresholds)

    def process(self, data_batch: dict[str, Any], data_samples: Sequence[Any]) -> None:
        """Compare the shapes of one batch.

        Args:
            data_batch: Collated batch with ``voxels`` (B, R, R, R), ``category``,
                ``sample_id`` and ``images`` (B, V, ...).
            data_samples: B structures of one sample each, with ``to_voxels``.
        """
        require(data_batch, "voxels", metric="VoxelIoU")
        target = stack(data_batch["voxels"])
        grids = [self._grid(sample, target.shape[-1]) for sample in data_samples]
        probabilities = torch.cat([grid.probabilities for grid in grids]).detach()
        target = target.to(probabilities.device)
        counts = voxel_counts(probabilities, target, self.thresholds)
        columns: dict[str, list] = {"iou": counts_to_iou(counts).tolist()}
        if self.bce_weight is not None:
            bce = self.bce_weight * mean_bce(probabilities, target)
            columns["test_bce"] = bce.tolist()
        if self.with_average_precision:
            precision = average_precision(probabilities, target)
            columns["average_precision"] = precision.tolist()
        if self.with_counts:
            columns["counts"] = counts.tolist()
        for index, values in enumerate(zip(*columns.values(), strict=True)):
            result = self.identify(data_batch, index)
            result.update(zip(columns, values, strict=True))
            self.results.append(result)

    def _grid(self, sample: Any, resolution: int) -> Any:
        options = self.mesh_voxels if isinstance(sample, Mesh) else {}
        return sample.to_voxels(resolution, **options)

    def compute_metrics(self, results: list[dict[str, Any]]) -> dict[str, float]:
        """Average all samples.

        Args:
            results: What :meth:`process` collected, of all processes.

        Returns:
            'iou_t0.20' ... (mean over samples), 'iou_max', 'iou_max_threshold',
            'iou_category_mean' (at that threshold), 'test_bce',
            'average_precision'.
        """
        values = np.asarray([result["iou"] for result in results], np.float64)
        metrics, best = threshold_scores(values, self.thresholds)
        for key in ("test_bce", "average_precision"):
            if key in results[0]:
                metrics[key] = float(np.mean([result[key] for result in results]))
        self.table = self.make_table(
            "voxel IoU",
            self.columns,
            results,
            values.tolist(),
            facts={"mesh_voxels": self.mesh_voxels} if self.mesh_voxels else None,
            summary={
                key: value
                for key, value in metrics.items()
                if not key.startswith("iou_t")
            },
        )
        category_mean = self.table.mean_of_categories[best]
        metrics["iou_category_mean"] = category_mean
        self.table.summary["iou_category_mean"] = category_mean
        self.samples = [self._sample_row(result) for result in results]
        return metrics

    def _sample_row(self, result: dict) -> dict[str, Any]:
        row = self.sample_row(result)
        row.update(zip(self.columns, result["iou"], strict=True))
        for key in ("test_bce", "average_precision"):
            if key in result:
                row[key] = result[key]
        for column, counts in zip(self.columns, result.get("counts", ()), strict=False):
            row.update(
                {
                    f"{name} {column}": count
                    for name, count in zip(COUNT_NAMES, counts, strict=True)
                }
            )
        return row
