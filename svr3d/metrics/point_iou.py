# SPDX-License-Identifier: Apache-2.0
"""IoU of occupancies at points as the metric of runners."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from svr3d.metrics.predicted_meshes import predicted_meshes
from svr3d.metrics.table_metric import (
    TableMetric,
    require,
    stack,
    threshold_columns,
    threshold_scores,
)
from svr3d.metrics.voxel_counts import counts_to_iou, voxel_counts
from svr3d.ops.points_in_mesh import points_in_mesh
from svr3d.registry import METRICS
from svr3d.structures import Mesh, OccupancyField, Structure, Voxels

_SOURCES = ("auto", "field", "voxels", "mesh")


@METRICS.register_module()
class PointIoU(TableMetric):
    """Intersection over union of what is inside, at points with known labels.

    A point is predicted inside where its probability is >= the threshold, or where it
    is inside the predicted mesh; the means are those of a volume as the points are
    drawn uniformly. 'iou' is the score for model selection.

    Protocols: occupancy networks' validation takes the field (``source='field'``), its
    test the extracted mesh (``source='mesh'``), by the published inside test. The
    Lightning re-implementation takes the field at ``thresholds=(0.5,)``.

    After an evaluation, ``table`` holds the :class:`ResultTable` and ``samples`` one
    dict per sample, both in the main process only.
    """

    default_prefix = "point"

    def __init__(
        self,
        thresholds: Sequence[float] | None = None,
        *,
        source: str = "auto",
        resolution: int = 32,
        inside_rule: str = "hash",
        empty_union: float = 1.0,
        points_key: str = "points_iou",
        occupancies_key: str = "occupancies_iou",
        baselines: Mapping[str, Mapping[str, float]] | None = None,
        protocol: Mapping[str, Any] | None = None,
        collect_device: str = "cpu",
        prefix: str | None = None,
    ):
        """Set up the metric.

        Args:
            thresholds: Probabilities from which points count as inside; None takes the
                predictions' own. With several, 'iou' is the mean at the best of them.
            source: What answers: 'field' asks fields for probabilities, 'voxels' the
                cells that hold the points, 'mesh' whether points are inside of the
                mesh, extracted at the predictions' own threshold. 'auto' takes each
                prediction as it is.
            resolution: Cells along one axis where something else becomes voxels.
            inside_rule: See :func:`svr3d.ops.points_in_mesh`; 'hash' is the published
                one, which misses single points on regular grids, 'parity' is exact.
            empty_union: IoU where nothing is inside and nothing predicted so; NaN in
                the published program.
            points_key: Key of the points (B, P, 3).
            occupancies_key: Key of their labels (B, P).
            baselines: Category name or taxonomy id -> 'iou' -> published figure; by
                default those of the data set.
            protocol: Further facts of the evaluation, stored with the table.
            collect_device: Where results of several processes meet, 'cpu' or 'gpu'.
            prefix: Prefix of the metric's names, 'point' by default.

        Raises:
            ValueError: If the source is unknown, or meshes are to be compared at
                several thresholds.
        """
        super().__init__(
            baselines=baselines,
            protocol=protocol,
            collect_device=collect_device,
            prefix=prefix,
        )
        if source not in _SOURCES:
            raise ValueError(f"source: expected one of {_SOURCES}, found {source!r}")
        if source == "mesh" and thresholds is not None:
            raise ValueError(
                "thresholds: expected None for source 'mesh', whose meshes are "
                f"extracted at their own threshold, found {thresholds!r}"
            )
        self.thresholds = None if thresholds is None else tuple(map(float, thresholds))
        self.source = source
        self.resolution = resolution
        self.inside_rule = inside_rule
        self.empty_union = empty_union
        self.points_key = points_key
        self.occupancies_key = occupancies_key

    @property
    def columns(self) -> tuple[str, ...]:
        """Labels of the table's columns."""
        if self.thresholds is None:
            return ("IoU",)
        return threshold_columns(self.thresholds)

    def process(self, data_batch: dict[str, Any], data_samples: Sequence[Any]) -> None:
        """Compare the shapes of one batch.

        Args:
            data_batch: Collated batch with points and labels, ``category`` and
                ``sample_id``.
            data_samples: B structures of one sample each.

        Raises:
            KeyError: If the batch has no such points or labels.
        """
        require(data_batch, self.points_key, self.occupancies_key, metric="PointIoU")
        points = stack(data_batch[self.points_key])
        labels = stack(data_batch[self.occupancies_key]) >= 0.5
        answers = self._answer(data_samples, points)
        for index, (sample, found) in enumerate(
            zip(data_samples, answers, strict=True)
        ):
            own = getattr(sample, "threshold", 0.5)
            inside = found.dtype == torch.bool
            thresholds = (0.5,) if inside else self.thresholds or (own,)
            truth = labels[index : index + 1].to(found.device)
            counts = voxel_counts(found[None], truth, thresholds)
            iou = counts_to_iou(counts, empty=self.empty_union)[0].tolist()
            result = self.identify(data_batch, index)
            result["iou"] = iou * (len(self.columns) if inside else 1)
            result["threshold"] = own
            result["points"] = points.shape[1]
            self.results.append(result)

    def compute_metrics(self, results: list[dict[str, Any]]) -> dict[str, float]:
        """Average all samples.

        Args:
            results: What :meth:`process` collected, of all processes.

        Returns:
            'iou' and 'iou_max' (mean over samples, at the best threshold),
            'iou_max_threshold', 'iou_category_mean', and with several thresholds
            'iou_t0.20' ...
        """
        values = np.asarray([result["iou"] for result in results], np.float64)
        thresholds = self.thresholds or (results[0]["threshold"],)
        metrics, best = threshold_scores(values, thresholds)
        if self.thresholds is None:
            metrics = {k: v for k, v in metrics.items() if not k.startswith("iou_t")}
        metrics = {"iou": metrics["iou_max"], **metrics}
        facts = {
            "source": self.source,
            "points": results[0]["points"],
            "empty_union": self.empty_union,
        }
        if self.source in ("auto", "mesh"):
            facts["inside_rule"] = self.inside_rule
        self.table = self.make_table(
            "point IoU",
            self.columns,
            results,
            values.tolist(),
            summary={k: v for k, v in metrics.items() if not k.startswith("iou_t")},
            facts=facts,
            published=dict.fromkeys(self.columns, "iou"),
        )
        category_mean = self.table.mean_of_categories[best]
        metrics["iou_category_mean"] = category_mean
        self.table.summary["iou_category_mean"] = category_mean
        self.samples = [
            self.sample_row(result)
            | dict(zip(self.columns, result["iou"], strict=True))
            for result in results
        ]
        return metrics

    def _answer(self, samples: Sequence[Structure], points: Tensor) -> list[Tensor]:
        """Return (P,) of each sample, probabilities or bool."""
        answers = []
        for sample, own in zip(samples, points, strict=True):
            solid = isinstance(sample, Mesh) and self.source == "auto"
            if self.source == "mesh" or solid:
                answers.append(None)
            elif isinstance(sample, OccupancyField) and self.source != "voxels":
                device = sample.codes.device
                answers.append(sample.evaluate(own[None].to(device))[0])
            else:
                answers.append(self._cells(sample, own))
        waiting = [index for index, answer in enumerate(answers) if answer is None]
        meshes = predicted_meshes([samples[index] for index in waiting])
        for index, mesh in zip(waiting, meshes, strict=True):
            answers[index] = self._inside(mesh, points[index])
        return answers

    def _cells(self, sample: Structure, points: Tensor) -> Tensor:
        if not isinstance(sample, Voxels):
            sample = sample.to_voxels(self.resolution)
        return sample.at(points[None].to(sample.probabilities.device))[0].detach()

    def _inside(self, mesh: Mesh, points: Tensor) -> Tensor:
        vertices, faces = mesh.vertices[0].detach(), mesh.faces[0]
        points = points.to(vertices.device)
        if len(faces) == 0:
            return torch.zeros(len(points), dtype=torch.bool, device=points.device)
        return points_in_mesh(vertices, faces, points, rule=self.inside_rule)
