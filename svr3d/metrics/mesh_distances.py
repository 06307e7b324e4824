# SPDX-License-Identifier: Apache-2.0
"""Distances between surfaces as the metric of runners."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from svr3d.metrics.cloud_distances import cloud_distances, f_scores, mean_scores
from svr3d.metrics.predicted_points import check_source, predicted_points
from svr3d.metrics.table_metric import TableMetric, require, stack
from svr3d.registry import METRICS

_MEANS = (
    "chamfer_l1",
    "chamfer_l2",
    "accuracy",
    "completeness",
    "accuracy2",
    "completeness2",
    "normals",
    "normals_accuracy",
    "normals_completeness",
)
_IN_TABLE = {
    "Chamfer-L1": "chamfer_l1",
    "Chamfer-L1 x10": "chamfer_l1_x10",
    "Chamfer-L2": "chamfer_l2",
    "accuracy": "accuracy",
    "completeness": "completeness",
    "normals": "normals",
}


@METRICS.register_module()
class MeshDistances(TableMetric):
    """Chamfer distances, normal consistency and F-scores of surfaces.

    Points of the predicted surface are compared with ``surface_points`` of the batch,
    each with its nearest neighbour of the other set, without alignment. Distances are
    Euclidean, in units of the object frame, where the longest side of an object is 1;
    'x10' is the unit of published Chamfer-L1 tables. Fields and voxels become meshes
    first; point clouds are compared as they are. Where nothing was predicted every
    figure is the worst possible.

    Protocols: the defaults are those of occupancy networks (``eval_meshes.py``), with
    the F-scores of convolutional occupancy networks. ``points='vertices'`` is that of
    the Lightning re-implementation. ``strict=True, voxel_surface='inflated',
    f_thresholds=(1/200, 1/100, 1/50, 1/20, 1/10, 1/5)`` is that of what3d.
    """

    default_prefix = "mesh"

    def __init__(
        self,
        num_points: int = 100_000,
        *,
        points: str = "surface",
        f_thresholds: Sequence[float] = (0.01, 0.015, 0.02),
        strict: bool = False,
        voxel_surface: str = "smooth",
        seed: int = 0,
        baselines: Mapping[str, Mapping[str, float]] | None = None,
        protocol: Mapping[str, Any] | None = None,
        collect_device: str = "cpu",
        prefix: str | None = None,
    ):
        """Set up the metric.

        Args:
            num_points: Points drawn from a predicted surface, uniformly by area.
            points: 'surface' draws points, with the normals of their faces; 'vertices'
                takes the vertices of the mesh, with normals down the gradient of fields
                or the mean of their faces' normals.
            f_thresholds: Distances at which F-scores are taken.
            strict: Whether a point must be nearer than the threshold, not just as near.
            voxel_surface: How voxels become a mesh, see
                :meth:`svr3d.structures.Voxels.to_mesh`.
            seed: Of the points; each sample's draws depend on it and the sample's id.
            baselines: Category name or taxonomy id -> 'chamfer_l1_x10' or another of
                the metrics -> published figure; by default those of the data set.
            protocol: Further facts of the evaluation, stored with the table.
            collect_device: Where results of several processes meet, 'cpu' or 'gpu'.
            prefix: Prefix of the metric's names, 'mesh' by default.

        Raises:
            ValueError: If ``points`` is unknown or there are no points.
        """
        super().__init__(
            baselines=baselines,
            protocol=protocol,
            collect_device=collect_device,
            prefix=prefix,
        )
        check_source(points, num_points)
        self.num_points = num_points
        self.points = points
        self.f_thresholds = tuple(float(threshold) for threshold in f_thresholds)
        self.strict = strict
        self.voxel_surface = voxel_surface
        self.seed = seed

    @property
    def columns(self) -> dict[str, str]:
        """Labels of the table's columns, and the metrics that they show."""
        scores = {f"F@{t:g}": _f_name(t) for t in self.f_thresholds}
        return _IN_TABLE | scores

    def process(self, data_batch: dict[str, Any], data_samples: Sequence[Any]) -> None:
        """Compare the surfaces of one batch.

        Args:
            data_batch: Collated batch with ``surface_points`` (B, M, 3), ``category``,
                ``sample_id``, and for normals ``surface_normals`` (B, M, 3).
            data_samples: B structures of one sample each.

        Raises:
            KeyError: If the batch has no surface points.
        """
        require(data_batch, "surface_points", metric="MeshDistances")
        ids = data_batch["sample_id"]
        clouds = predicted_points(
            data_samples,
            ids,
            points=self.points,
            num_points=self.num_points,
            voxel_surface=self.voxel_surface,
            seed=self.seed,
        )
        device = clouds[0][0].device
        target = stack(data_batch["surface_points"]).to(device, torch.float32)
        normals = data_batch.get("surface_normals")
        if normals is not None:
            normals = stack(normals).to(device, torch.float32)
        found = cloud_distances(
            [points for points, _ in clouds],
            target,
            predicted_normals=[own for _, own in clouds],
            target_normals=normals,
        )
        for index, distances in enumerate(found):
            result = self.identify(data_batch, index) | mean_scores(distances)
            scores = f_scores(distances, self.f_thresholds, strict=self.strict)
            for name, values in scores.items():
                for threshold, value in zip(self.f_thresholds, values, strict=True):
                    result[_f_name(threshold, name)] = value
            result["target_points"] = len(distances.completeness)
            self.results.append(result)

    def compute_metrics(self, results: list[dict[str, Any]]) -> dict[str, float]:
        """Average all samples.

        Args:
            results: What :meth:`process` collected, of all processes.

        Returns:
            Means over samples of 'chamfer_l1' (and 'chamfer_l1_x10'), 'chamfer_l2',
            'accuracy', 'completeness', their squared forms, 'normals' and its two
            directions, ``f_score_0.01``, ``precision_0.01``, ``recall_0.01`` ...; and
            '<metric>_category_mean' of those in the table.
        """
        rows = [{**r, "chamfer_l1_x10": 10 * r["chamfer_l1"]} for r in results]
        names = [*_MEANS, "chamfer_l1_x10"]
        names += [
            _f_name(threshold, kind)
            for kind in ("f_score", "precision", "recall")
            for threshold in self.f_thresholds
        ]
        metrics = {name: float(np.mean([row[name] for row in rows])) for name in names}
        columns = self.columns
        self.table = self.make_table(
            "mesh distances",
            list(columns),
            results,
            [[row[name] for name in columns.values()] for row in rows],
            summary={},
            facts=self._facts(results),
            published=columns,
            smaller_is_better=[name for name in _IN_TABLE if name != "normals"],
        )
        means = self.table.mean_of_categories
        for name, mean in zip(columns.values(), means, strict=True):
            metrics[f"{name}_category_mean"] = mean
        self.samples = [
            self.sample_row(row) | {name: row[name] for name in names} for row in rows
        ]
        return metrics

    def _facts(self, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        drawn = self.points == "surface"
        targets = sorted({result["target_points"] for result in results})
        return {
            "unit": "longest side of the object",
            "points": f"{self.num_points} on the surface" if drawn else "vertices",
            "target_points": targets[0] if len(targets) == 1 else targets,
            "f_score": f"distance {'<' if self.strict else '<='} threshold",
            "voxel_surface": self.voxel_surface,
        }


def _f_name(threshold: float, kind: str = "f_score") -> str:
    return f"{kind}_{threshold:g}"
