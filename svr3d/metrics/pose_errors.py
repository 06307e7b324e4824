# SPDX-License-Identifier: Apache-2.0
"""Errors of predicted poses, up to one rotation per category, as a runner's metric."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from svr3d.errors import DataError
from svr3d.geometry.pose_camera import pose_rotation, to_pose_axes
from svr3d.geometry.rotations import rotation_angle
from svr3d.metrics.alignment import align_by_poses, read_rotations
from svr3d.metrics.table_metric import TableMetric, require, stack
from svr3d.registry import METRICS


@METRICS.register_module()
class PoseErrors(TableMetric):
    """By how many degrees predicted poses differ from the true ones.

    A network that never saw a pose tells poses of its own frame, so one rotation per
    category is taken out first. The error is the angle of the rotation between both
    cameras. Reported are the median, the mean and the share of errors below each
    threshold, as in Tulsiani et al., "Multi-view consistency as supervisory signal for
    learning shape and pose prediction" (CVPR 2018), who report 30 degrees and the
    median.

    Attributes:
        cameras: By category the predicted and the true poses (M, 2) of the last
            evaluation, and the rotation that was taken out, or None.
    """

    default_prefix = "pose"

    def __init__(
        self,
        thresholds: Sequence[float] = (10.0, 30.0),
        *,
        rotations: str | None = None,
        aligned: bool = True,
        baselines: Mapping[str, Mapping[str, float]] | None = None,
        protocol: Mapping[str, Any] | None = None,
        collect_device: str = "cpu",
        prefix: str | None = None,
    ):
        """Set up the metric.

        Args:
            thresholds: Degrees below which a pose is right.
            rotations: File of rotations from predictions to ShapeNet's axes, as
                :class:`AlignedPointDistances` writes it. Without one the rotation is
                fitted to the evaluated poses, in closed form.
            aligned: Whether a rotation is taken out at all; not for networks that
                learnt from true poses.
            baselines: Category -> metric -> published figure.
            protocol: Further facts of the evaluation, stored with the table.
            collect_device: Where results of several processes meet, 'cpu' or 'gpu'.
            prefix: Prefix of the metric's names, 'pose' by default.

        Raises:
            ValueError: If a threshold is not positive, or there is none.
        """
        super().__init__(
            baselines=baselines,
            protocol=protocol,
            collect_device=collect_device,
            prefix=prefix,
        )
        if not thresholds or any(not 0 < value <= 180 for value in thresholds):
            raise ValueError(f"thresholds: expected 0 to 180, found {thresholds}")
        self.thresholds = tuple(map(float, thresholds))
        self.rotations = rotations
        self.aligned = aligned

    def process(self, data_batch: dict[str, Any], data_samples: Sequence[Any]) -> None:
        """Keep the poses of one batch.

        Args:
            data_batch: Collated batch with ``poses`` (B, 1, 2), ``category``,
                ``sample_id``.
            data_samples: B structures of one sample with ``poses`` (1, 2).

        Raises:
            KeyError: If the batch has no poses.
            ValueError: If a prediction has none.
        """
        require(data_batch, "poses", metric="PoseErrors")
        true = stack(data_batch["poses"]).float().cpu()
        for index, sample in enumerate(data_samples):
            found = getattr(sample, "poses", None)
            if found is None:
                raise ValueError(
                    "PoseErrors: expected predictions with poses, found "
                    f"{type(sample).__name__} without"
                )
            self.results.append(
                self.identify(data_batch, index)
                | {
                    "predicted": found[0].detach().cpu().float().tolist(),
                    "true": true[index].reshape(2).tolist(),
                }
            )

    def compute_metrics(self, results: list[dict[str, Any]]) -> dict[str, float]:
        """Take the rotations out and average.

        Args:
            results: What :meth:`process` collected, of all processes.

        Returns:
            'median' and 'mean' in degrees and 'accuracy_<degrees>', over all images;
            '<name>_category_mean' over the categories.

        Raises:
            DataError: If a file of rotations lacks a category.
        """
        members = defaultdict(list)
        for place, result in enumerate(results):
            members[self.category_name(result)].append(place)
        errors = np.zeros(len(results))
        self.cameras = {}
        for name, places in members.items():
            predicted, true = (
                torch.tensor([results[place][key] for place in places])
                for key in ("predicted", "true")
            )
            rotation = self._rotation(name, predicted, true)
            self.cameras[name] = predicted, true, rotation
            errors[places] = pose_errors(predicted, true, rotation).numpy()
        metrics = self._averages(errors)
        averages = [self._averages(errors[places]) for places in members.values()]
        for name in list(metrics):
            mean = float(np.mean([average[name] for average in averages]))
            metrics[f"{name}_category_mean"] = mean
        shares = [errors < value for value in self.thresholds]
        columns = ["mean error"] + [f"within {v:g} degrees" for v in self.thresholds]
        medians = [float(np.median(errors[places])) for places in members.values()]
        self.table = self.make_table(
            "pose errors",
            columns,
            results,
            np.stack([errors, *shares], axis=1).astype(float),
            summary={"median error": metrics["median"]}
            | {
                f"median error, {name}": median
                for name, median in zip(members, medians, strict=True)
            },
            facts=self._facts(),
            smaller_is_better=["mean error"],
        )
        self.samples = [
            self.sample_row(result) | {"pose_error": float(error)}
            for result, error in zip(results, errors, strict=True)
        ]
        return metrics

    def _averages(self, errors: np.ndarray) -> dict[str, float]:
        shares = {
            f"accuracy_{value:g}": float((errors < value).mean())
            for value in self.thresholds
        }
        return {
            "median": float(np.median(errors)),
            "mean": float(errors.mean()),
            **shares,
        }

    def _facts(self) -> dict[str, str]:
        if not self.aligned:
            return {"alignment": "none"}
        if self.rotations is not None:
            return {"alignment": "one rotation per category, fitted to other objects"}
        return {"alignment": "one rotation per category, fitted to these poses"}

    def _rotation(self, name: str, predicted: Tensor, true: Tensor) -> Tensor | None:
        if not self.aligned:
            return None
        if self.rotations is None:
            return align_by_poses(predicted, true).rotation
        known, _ = read_rotations(self.rotations)
        if name not in known:
            raise DataError(
                f"{self.rotations}: expected a rotation of {name!r}, found those of "
                f"{', '.join(known)}"
            )
        return known[name]


def pose_errors(
    predicted: Tensor, true: Tensor, rotation: Tensor | None = None
) -> Tensor:
    """Return the angles (M,) between predicted and true cameras, in degrees.

    Args:
        predicted: Azimuths and elevations (M, 2) in radians.
        true: (M, 2).
        rotation: (3, 3) from the frame of the predictions to ShapeNet's axes; None if
            predictions are told in the frame of the true poses.
    """
    own, wanted = pose_rotation(predicted.double()), pose_rotation(true.double())
    if rotation is not None:
        to_poses = to_pose_axes(torch.eye(3, dtype=torch.float64)).T
        own = own @ (to_poses @ rotation.double()).T
    return torch.rad2deg(rotation_angle(wanted @ own.transpose(1, 2)))
