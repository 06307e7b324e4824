# SPDX-License-Identifier: Apache-2.0
"""Point distances after one rotation per category, as the metric of runners."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.dist import get_rank
from torch import Tensor

from svr3d.errors import ConfigError, DataError
from svr3d.geometry.cloud_placement import find_placement
from svr3d.geometry.pose_camera import from_pose_axes
from svr3d.metrics.alignment import (
    align_by_descent,
    align_by_poses,
    align_by_search,
    read_rotations,
    write_rotations,
)
from svr3d.metrics.point_distances import PointDistances
from svr3d.metrics.table_metric import require, stack
from svr3d.ops.nearest_neighbors import nearest_neighbors
from svr3d.registry import METRICS

FITS = ("search", "descent", "poses", "pose_axes", "none")
_AT_A_TIME = 16  # objects that are compared in one call


@METRICS.register_module()
class AlignedPointDistances(PointDistances):
    """Distances of clouds whose network has a frame of its own.

    One rotation per category takes predictions to where the true clouds are. It is
    fitted to the evaluated objects, and written to ``write_to``; or read from the file
    that an evaluation of validation objects wrote, as is fair for a test. Then both
    clouds are scaled and moved, each on its own, to a box whose longest side is 1
    (``boxes``), and compared as :class:`PointDistances` does.

    The published evaluation finds the box of a prediction with its coordinates clipped
    to [-0.5, 0.5], multiplies the mean Chamfer distance of objects by 1000, and reports
    the mean squared distance of points that an auction matched. Differs from it: the
    mean is over all objects (it divides by one less than the number of batches), and a
    missing prediction is an error. Source: ``src/evaluation/pcl_loss_saved.py`` of
    klnavaneet/ssl_3d_recon (Navaneet et al., CVPR 2020).
    """

    default_prefix = "aligned"

    def __init__(
        self,
        num_points: int = 1024,
        *,
        fit: str = "search",
        rotations: str | None = None,
        write_to: str | None = None,
        boxes: bool = True,
        points: str = "vertices",
        target_points: int | None = None,
        f_threshold: float = 0.001,
        emd_points: int = 0,
        emd_method: str = "exact",
        emd_squared: bool = True,
        voxel_surface: str = "smooth",
        unit: str = "longest side of each cloud",
        seed: int = 0,
        baselines: Mapping[str, Mapping[str, float]] | None = None,
        protocol: Mapping[str, Any] | None = None,
        collect_device: str = "cpu",
        prefix: str | None = None,
    ):
        """Set up the metric.

        Args:
            num_points: Points drawn from a predicted surface, uniformly by area.
            fit: How the rotation is found: 'search' from many starts, 'descent' as
                published from hand-picked angles, 'poses' in closed form from predicted
                and true poses of the images (``poses`` of predictions and of the
                batch); or known: 'pose_axes' for networks that learnt from true poses,
                'none' for those that learnt from true shapes.
            rotations: File of rotations to use, see
                :func:`svr3d.metrics.alignment.write_rotations`; nothing is fitted then.
            write_to: File for the rotations that were fitted.
            boxes: Whether both clouds are brought to the unit box; otherwise they are
                compared where they are.
            points: As of :class:`PointDistances`.
            target_points: As of :class:`PointDistances`.
            f_threshold: As of :class:`PointDistances`.
            emd_points: As of :class:`PointDistances`.
            emd_method: As of :class:`PointDistances`.
            emd_squared: As of :class:`PointDistances`.
            voxel_surface: As of :class:`PointDistances`.
            unit: Length of 1, for the table.
            seed: Of the points that are drawn.
            baselines: As of :class:`PointDistances`.
            protocol: Further facts of the evaluation, stored with the table.
            collect_device: Where results of several processes meet, 'cpu' or 'gpu'.
            prefix: Prefix of the metric's names, 'aligned' by default.

        Raises:
            ConfigError: If there is no such way to fit, or a file is given for both
                reading and writing.
            ValueError: If a word is unknown, or a number out of range.
        """
        super().__init__(
            num_points,
            points=points,
            target_points=target_points,
            f_threshold=f_threshold,
            emd_points=emd_points,
            emd_method=emd_method,
            emd_squared=emd_squared,
            voxel_surface=voxel_surface,
            unit=unit,
            seed=seed,
            baselines=baselines,
            protocol=protocol,
            collect_device=collect_device,
            prefix=prefix,
        )
        if fit not in FITS:
            raise ConfigError(f"fit: expected one of {', '.join(FITS)}, found {fit!r}")
        if rotations is not None and write_to is not None:
            raise ConfigError(
                "rotations and write_to: expected one of them, found both"
            )
        self.fit = fit
        self.rotations = rotations
        self.write_to = write_to
        self.boxes = boxes
        self._colored = False

    @property
    def columns(self) -> dict[str, str]:
        """Labels of the table's columns, and the metrics that they show."""
        colors = {"colour error": "color_error"} if self._colored else {}
        return super().columns | colors

    def process(self, data_batch: dict[str, Any], data_samples: Sequence[Any]) -> None:
        """Keep the clouds of one batch.

        Args:
            data_batch: Collated batch with ``surface_points`` (B, M, 3), ``category``,
                ``sample_id``; to fit by poses ``poses`` (B, 1, 2); for the error of
                colours ``surface_colors`` (B, M, 3).
            data_samples: B structures of one sample each.

        Raises:
            KeyError: If the batch lacks what is needed.
            ValueError: If predictions lack the poses to fit by.
        """
        by_poses = self.fit == "poses" and self.rotations is None
        needed = ["surface_points"] + ["poses"] * by_poses
        require(data_batch, *needed, metric="AlignedPointDistances")
        clouds = self._clouds(data_samples, data_batch)
        targets = stack(data_batch["surface_points"]).float()[:, : self.target_points]
        batch = (get_rank(), len(self.results))
        for index, (cloud, sample) in enumerate(zip(clouds, data_samples, strict=True)):
            if len(cloud) == 0:
                raise ValueError(
                    f"{data_batch['sample_id'][index]}: expected points, found none"
                )
            kept = {
                "predicted": _array(cloud),
                "target": _array(targets[index]),
                "batch": batch,
            }
            colors = getattr(sample, "colors", None)
            if colors is not None and "surface_colors" in data_batch:
                true = stack(data_batch["surface_colors"])[index, : self.target_points]
                kept |= {"colors": _array(colors[0]), "true_colors": _array(true)}
            if by_poses:
                if getattr(sample, "poses", None) is None:
                    raise ValueError(
                        "fit='poses': expected predictions with poses, found "
                        f"{type(sample).__name__} without"
                    )
                true = stack(data_batch["poses"])[index].reshape(2)
                kept["poses"] = np.stack([_array(sample.poses[0]), _array(true)])
            self.results.append(self.identify(data_batch, index) | kept)

    def compute_metrics(self, results: list[dict[str, Any]]) -> dict[str, float]:
        """Align the clouds of each category and average objects.

        Args:
            results: What :meth:`process` collected, of all processes.

        Returns:
            What :class:`PointDistances` returns; 'color_error' where all have colours,
            the mean squared difference from the nearest point's colour, summed over
            channels and both directions.

        Raises:
            DataError: If a file of rotations lacks a category.
        """
        members = defaultdict(list)
        for place, result in enumerate(results):
            members[self.category_name(result)].append(place)
        self.fitted = self._find_rotations(results, members)
        rows: list[dict[str, Any]] = [{} for _ in results]
        for name, places in members.items():
            for start in range(0, len(places), _AT_A_TIME):
                chosen = places[start : start + _AT_A_TIME]
                for place, row in zip(
                    chosen,
                    self._compare([results[p] for p in chosen], self.fitted[name]),
                    strict=True,
                ):
                    rows[place] = row
        self._colored = all("color_error" in row for row in rows)
        return super().compute_metrics(rows)

    def _find_rotations(
        self, results: list[dict[str, Any]], members: Mapping[str, list[int]]
    ) -> dict[str, Tensor]:
        """Return the rotation of each category."""
        if self.rotations is not None:
            known, _ = read_rotations(self.rotations)
            for name in members:
                if name not in known:
                    raise DataError(
                        f"{self.rotations}: expected a rotation of {name!r}, found "
                        f"those of {', '.join(known)}"
                    )
            return known
        found = {
            name: self._fit([results[place] for place in places])
            for name, places in members.items()
        }
        if self.write_to is not None:
            facts = {
                "fit": self.fit,
                "objects": {n: len(p) for n, p in members.items()},
            }
            write_rotations(self.write_to, found, facts=facts)
        return found

    def _fit(self, results: list[dict[str, Any]]) -> Tensor:
        if self.fit == "none":
            return torch.eye(3)
        if self.fit == "pose_axes":
            return from_pose_axes(torch.eye(3)).T
        if self.fit == "poses":
            poses = torch.from_numpy(np.stack([r["poses"] for r in results]))
            return align_by_poses(poses[:, 0], poses[:, 1]).rotation
        clouds = [
            _stack([torch.from_numpy(result[key]) for result in results])
            for key in ("predicted", "target")
        ]
        align = align_by_search if self.fit == "search" else align_by_descent
        return align(*clouds).rotation

    def _compare(
        self, results: list[dict[str, Any]], rotation: Tensor
    ) -> list[dict[str, Any]]:
        """Return the figures of some objects of one category."""
        clouds = [torch.from_numpy(r["predicted"]) @ rotation.T for r in results]
        targets = [torch.from_numpy(r["target"]) for r in results]
        if self.boxes:
            clouds = [to_unit_box(cloud, clip=0.5) for cloud in clouds]
            targets = [to_unit_box(target) for target in targets]
        ids = [result["sample_id"] for result in results]
        rows = []
        for place, scores in enumerate(self._scores(clouds, targets, ids)):
            result = results[place]
            if "colors" in result:
                scores["color_error"] = color_error(
                    clouds[place],
                    torch.from_numpy(result["colors"]),
                    targets[place],
                    torch.from_numpy(result["true_colors"]),
                )
            keys = ("sample_id", "category", "views", "batch")
            rows.append({key: result[key] for key in keys} | scores)
        return rows

    def _facts(self, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        given = self.rotations is not None
        facts = {
            "alignment": "one rotation per category, "
            + ("given" if given else self.fit),
            "fitted_to": "other objects" if given else "the evaluated objects",
            "normalization": "each cloud to the unit box" if self.boxes else "none",
        }
        return super()._facts(results) | facts


def to_unit_box(points: Tensor, *, clip: float | None = None) -> Tensor:
    """Return points (..., N, 3) centred on their box, its longest side 1.

    Args:
        points: Clouds.
        clip: Coordinates are clipped to this distance from 0 where the box is found, so
            that few points far away do not make it large; None takes them as they are.
    """
    seen = points if clip is None else points.clamp(-clip, clip)
    return find_placement(seen, "UnitBox").normalize(points)


def color_error(
    points: Tensor, colors: Tensor, target: Tensor, target_colors: Tensor
) -> float:
    """Return how far colours are from those of the nearest point of the other cloud.

    Source: Navaneet et al., "DIFFER: moving beyond 3D reconstruction with
    differentiable feature rendering", CVPRW 2019.

    Args:
        points: (N, 3).
        colors: RGB (N, 3) in [0, 1].
        target: (M, 3).
        target_colors: (M, 3).

    Returns:
        The mean over points of the squared difference, summed over the channels, and
        over both directions.
    """
    total = 0.0
    for own, own_colors, other, other_colors in (
        (points, colors, target, target_colors),
        (target, target_colors, points, colors),
    ):
        nearest = nearest_neighbors(own[None], other[None]).indices[0, :, 0]
        apart = (own_colors - other_colors[nearest]).double().square()
        total += float(apart.sum(1).mean())
    return total


def _array(values: Tensor) -> np.ndarray:
    return values.detach().cpu().float().numpy()


def _stack(clouds: list[Tensor]) -> Tensor:
    """Return clouds as one tensor; of different sizes, all as long as the smallest."""
    count = min(len(cloud) for cloud in clouds)
    evenly = [
        cloud[torch.arange(count) * len(cloud) // count]
        if len(cloud) > count
        else cloud
        for cloud in clouds
    ]
    return torch.stack(evenly)
