# SPDX-License-Identifier: Apache-2.0
"""Squared Chamfer distances of point sets as the metric of runners."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.dist import get_rank
from torch import Tensor

from svr3d.geometry.cloud_placement import (
    CloudPlacement,
    check_normalization,
    find_placement,
)
from svr3d.metrics.cloud_distances import CloudDistances, cloud_distances, f_scores
from svr3d.metrics.predicted_points import (
    check_source,
    predicted_points,
    sample_seed,
)
from svr3d.metrics.table_metric import TableMetric, require, stack
from svr3d.ops.emd import emd
from svr3d.registry import METRICS
from svr3d.structures import PointCloud, Structure

WORST_DISTANCE = 2.0
"""What nothing predicted is away from anything: the diameter of the unit ball."""


@METRICS.register_module()
class PointDistances(TableMetric):
    """Chamfer distance, F-score and earth mover distance of point sets.

    The form of AtlasNet and of all that builds on it: distances are **squared**, the
    mean is over the points of each direction, and both directions are **summed**, not
    halved; tables hold a thousand times that. The threshold of the F-score counts for
    squared distances too: 0.001 is a distance of 0.0316. :class:`MeshDistances` has the
    other convention, that of occupancy networks. Predictions are compared with
    ``surface_points`` of the batch, without alignment. Where nothing was predicted
    points are 2 away and the F-score is 0.

    Groueix et al., "AtlasNet: a papier-mâché approach to learning 3D surface
    generation" (2018). Source: ``training/trainer_loss.py`` and ``fscore.py`` of
    ThibaultGROUEIX/AtlasNet, whose validation compares 2,500 points with the vertices
    of the deformed templates and averages mini-batches (``mean='batches'``).
    """

    default_prefix = "points"

    def __init__(
        self,
        num_points: int = 2500,
        *,
        points: str = "vertices",
        target_points: int | None = None,
        normalization: str = "Identity",
        f_threshold: float = 0.001,
        mean: str = "samples",
        emd_points: int = 0,
        emd_method: str = "auction",
        emd_squared: bool = False,
        rotate_back: bool = False,
        voxel_surface: str = "smooth",
        unit: str = "radius of the unit ball",
        seed: int = 0,
        baselines: Mapping[str, Mapping[str, float]] | None = None,
        protocol: Mapping[str, Any] | None = None,
        collect_device: str = "cpu",
        prefix: str | None = None,
    ):
        """Set up the metric.

        Args:
            num_points: Points drawn from a predicted surface, uniformly by area.
            points: 'vertices' takes the vertices of the predicted mesh, which for
                deformed templates are the regular template's points, as published;
                'surface' draws points, which is fair to meshes of fields and voxels,
                whose vertices are many and not uniform. Point clouds are taken as they
                are.
            target_points: How many of the true points count, the first ones; None takes
                all.
            normalization: Placement of the true points that is taken out of both sets
                first, see :func:`svr3d.geometry.cloud_placement.find_placement`;
                'UnitBall' compares data of other frames in the published unit.
            f_threshold: Squared distance below which a point is met.
            mean: 'samples', or 'batches' for the published mean of the mini-batches'
                means, where a short last one counts as much as the others. Rows of
                categories always average samples.
            emd_points: Points of both sets whose earth mover distance is taken; 0
                leaves it out. Drawn without replacement where there are enough.
            emd_method: 'auction' or 'exact', see :func:`svr3d.ops.match_points`.
            emd_squared: Whether the mean squared distance of the matched points is
                reported, too, as ssl3d does; they are matched by the distance itself.
            rotate_back: Whether predictions are turned from the camera's frame to that
                of the object by ``camera_rotation`` of the batch, for true points in
                the object's frame.
            voxel_surface: How voxels become a mesh, see
                :meth:`svr3d.structures.Voxels.to_mesh`.
            unit: Length of 1 in the data, for the table.
            seed: Of the points; each sample's draws depend on it and the sample's id.
            baselines: Category name or taxonomy id -> 'chamfer_x1000' or another of
                the metrics -> published figure; by default those of the data set.
            protocol: Further facts of the evaluation, stored with the table.
            collect_device: Where results of several processes meet, 'cpu' or 'gpu'.
            prefix: Prefix of the metric's names, 'points' by default.

        Raises:
            ConfigError: If there is no such normalisation.
            ValueError: If a word is unknown, or a number out of range.
        """
        super().__init__(
            baselines=baselines,
            protocol=protocol,
            collect_device=collect_device,
            prefix=prefix,
        )
        check_source(points, num_points)
        check_normalization(normalization)
        if mean not in ("samples", "batches"):
            raise ValueError(f"mean: expected 'samples' or 'batches', found {mean!r}")
        if target_points is not None and target_points < 1:
            raise ValueError(
                f"target_points: expected at least 1, found {target_points}"
            )
        if not f_threshold > 0:
            raise ValueError(f"f_threshold: expected more than 0, found {f_threshold}")
        if emd_points < 0:
            raise ValueError(f"emd_points: expected 0 or more, found {emd_points}")
        if emd_method not in ("auction", "exact"):
            raise ValueError(
                f"emd_method: expected 'auction' or 'exact', found {emd_method!r}"
            )
        self.num_points = num_points
        self.points = points
        self.target_points = target_points
        self.normalization = normalization
        self.f_threshold = float(f_threshold)
        self.mean = mean
        self.emd_points = emd_points
        self.emd_method = emd_method
        self.emd_squared = emd_squared and emd_points > 0
        self.rotate_back = rotate_back
        self.voxel_surface = voxel_surface
        self.unit = unit
        self.seed = seed

    @property
    def columns(self) -> dict[str, str]:
        """Labels of the table's columns, and the metrics that they show."""
        columns = {
            "Chamfer x1000": "chamfer_x1000",
            f"F@{self.f_threshold:g} (squared)": "f_score",
            "precision": "precision",
            "recall": "recall",
        }
        if self.emd_points:
            columns["EMD x100"] = "emd_x100"
        if self.emd_squared:
            columns["squared EMD x1000"] = "emd_squared_x1000"
        return columns

    def process(self, data_batch: dict[str, Any], data_samples: Sequence[Any]) -> None:
        """Compare the point sets of one batch.

        Args:
            data_batch: Collated batch with ``surface_points`` (B, M, 3), ``category``,
                ``sample_id``, and with ``rotate_back`` ``camera_rotation`` (B, 3, 3).
            data_samples: B structures of one sample each.

        Raises:
            KeyError: If the batch lacks what is needed.
        """
        needed = ["surface_points"] + ["camera_rotation"] * self.rotate_back
        require(data_batch, *needed, metric="PointDistances")
        clouds = self._clouds(data_samples, data_batch)
        target = stack(data_batch["surface_points"]).to(clouds[0].device, torch.float32)
        placement = find_placement(target, self.normalization)
        target = placement.normalize(target)[:, : self.target_points]
        clouds = [
            CloudPlacement(centre, scale).normalize(points)
            for points, centre, scale in zip(clouds, *placement, strict=True)
        ]
        # Samples of one mini-batch share its place among all that this process met.
        batch = (get_rank(), len(self.results))
        for index, scores in enumerate(
            self._scores(clouds, target, data_batch["sample_id"])
        ):
            self.results.append(
                self.identify(data_batch, index) | scores | {"batch": batch}
            )

    def _scores(
        self, clouds: Sequence[Tensor], target: Sequence[Tensor], ids: Sequence[str]
    ) -> list[dict[str, Any]]:
        """Return the figures of each object from its points, as they are placed."""
        rows = []
        found = cloud_distances(clouds, target, worst=WORST_DISTANCE)
        for index, distances in enumerate(found):
            scores = point_scores(distances, self.f_threshold)
            if self.emd_points:
                scores |= self._emd(clouds[index], target[index], ids[index])
            rows.append(scores | {"target_points": len(target[index])})
        return rows

    def compute_metrics(self, results: list[dict[str, Any]]) -> dict[str, float]:
        """Average samples or mini-batches.

        Args:
            results: What :meth:`process` collected, of all processes.

        Returns:
            Means of 'chamfer' and 'chamfer_x1000', its directions 'accuracy2' and
            'completeness2' (mean squared distance), 'f_score', 'precision', 'recall',
            with ``emd_points`` 'emd' and 'emd_x100', with ``emd_squared``
            'emd_squared' and 'emd_squared_x1000'; and '<metric>_category_mean' of
            those in the table.
        """
        rows = [{**result, **_scaled(result)} for result in results]
        names = ["chamfer", "chamfer_x1000", "accuracy2", "completeness2"]
        names += ["f_score", "precision", "recall"]
        names += ["emd", "emd_x100"] if self.emd_points else []
        names += ["emd_squared", "emd_squared_x1000"] if self.emd_squared else []
        columns = self.columns
        names += [name for name in columns.values() if name not in names]
        metrics = self._means(rows, names)
        summary = {}
        if self.mean == "batches":
            summary = {
                f"{label}, mean over mini-batches": metrics[name]
                for label, name in columns.items()
            }
        self.table = self.make_table(
            "point distances",
            list(columns),
            results,
            [[row[name] for name in columns.values()] for row in rows],
            summary=summary,
            facts=self._facts(results),
            published=columns,
            smaller_is_better=[
                label
                for label, name in columns.items()
                if name.startswith(("chamfer", "emd", "color"))
            ],
        )
        means = self.table.mean_of_categories
        for name, mean in zip(columns.values(), means, strict=True):
            metrics[f"{name}_category_mean"] = mean
        self.samples = [
            self.sample_row(row) | {name: row[name] for name in names} for row in rows
        ]
        return metrics

    def _means(
        self, rows: Sequence[Mapping[str, Any]], names: Sequence[str]
    ) -> dict[str, float]:
        values = np.array([[row[name] for name in names] for row in rows])
        if self.mean == "batches":
            batches = defaultdict(list)
            for row, scores in zip(rows, values, strict=True):
                batches[row["batch"]].append(scores)
            values = np.array([np.mean(scores, axis=0) for scores in batches.values()])
        return dict(zip(names, values.mean(axis=0).tolist(), strict=True))

    def _facts(self, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        drawn = self.points == "surface"
        targets = sorted({result["target_points"] for result in results})
        facts = {
            "unit": self.unit,
            "normalization": self.normalization,
            "chamfer": "squared, mean per direction, sum of directions",
            "points": f"{self.num_points} on the surface" if drawn else "vertices",
            "target_points": targets[0] if len(targets) == 1 else targets,
            "f_score": f"squared distance < {self.f_threshold:g}",
            "voxel_surface": self.voxel_surface,
        }
        if self.emd_points:
            facts["emd"] = f"{self.emd_points} points, Euclidean, {self.emd_method}"
        return facts

    def _clouds(
        self, samples: Sequence[Structure], data_batch: Mapping[str, Any]
    ) -> list[Tensor]:
        found = predicted_points(
            samples,
            data_batch["sample_id"],
            points=self.points,
            num_points=self.num_points,
            voxel_surface=self.voxel_surface,
            seed=self.seed,
            normals=False,
        )
        clouds = [points for points, _ in found]
        if self.rotate_back:
            rotations = stack(data_batch["camera_rotation"])
            # A cloud was turned as P R^T; the inverse of a rotation is its transpose.
            clouds = [
                points @ rotation.to(points)
                for points, rotation in zip(clouds, rotations, strict=True)
            ]
        return clouds

    def _emd(self, points: Tensor, target: Tensor, sample_id: str) -> dict[str, float]:
        if len(points) == 0:
            worst = {"emd": WORST_DISTANCE}
            squared = {"emd_squared": WORST_DISTANCE**2} if self.emd_squared else {}
            return worst | squared
        seed = sample_seed(self.seed, sample_id)
        sets = [
            PointCloud([cloud]).to_points(self.emd_points, seed=seed + place).points[0]
            for place, cloud in enumerate((points, target))
        ]
        x, y = sets[0][None], sets[1][None]
        forms = {"emd": False} | ({"emd_squared": True} if self.emd_squared else {})
        return {
            name: float(emd(x, y, method=self.emd_method, squared=squared))
            for name, squared in forms.items()
        }


def point_scores(distances: CloudDistances, f_threshold: float) -> dict[str, float]:
    """Return an object's figures as AtlasNet defines them.

    Args:
        distances: Of its points.
        f_threshold: Squared distance below which a point is met.

    Returns:
        'accuracy2' and 'completeness2', the mean squared distance from predicted and
        from true points; 'chamfer', their sum; 'f_score', 'precision' and 'recall'.
    """
    squares = {
        f"{name}2": float(getattr(distances, f"{name}_squared").double().mean())
        for name in ("accuracy", "completeness")
        if len(getattr(distances, f"{name}_squared"))
    }
    squares.setdefault("accuracy2", squares["completeness2"])  # nothing predicted
    shares = f_scores(distances, (f_threshold,), strict=True, squared=True)
    return {
        "chamfer": squares["accuracy2"] + squares["completeness2"],
        **squares,
        **{name: values[0] for name, values in shares.items()},
    }


def _scaled(result: Mapping[str, Any]) -> dict[str, float]:
    scaled = {"chamfer_x1000": 1000 * result["chamfer"]}
    if "emd" in result:
        scaled["emd_x100"] = 100 * result["emd"]
    if "emd_squared" in result:
        scaled["emd_squared_x1000"] = 1000 * result["emd_squared"]
    return scaled
