# SPDX-License-Identifier: Apache-2.0
"""Which points of a stored cloud a sample holds, and in which place."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from svr3d.errors import ConfigError, DataError
from svr3d.geometry.cloud_placement import check_normalization, find_placement

from .rng import SampleRandom


@dataclass(frozen=True)
class CloudSampling:
    """How target points are drawn from a cloud of one object.

    The whole cloud is normalised before points are drawn, so that the target of an
    object does not move from draw to draw.

    Attributes:
        num_points: Points of a sample (``surface_points``), or None for all of the
            cloud, in their order.
        replace: Whether a point may be drawn twice, as in AtlasNet; the reader of the
            cube-sphere set draws without replacement.
        normalization: ``UnitBall``, ``BoundingBox``, ``Identity`` or another rule of
            ``svr3d.geometry.cloud_placement``.
        normals: Whether a sample holds the normals of the points, too
            (``surface_normals``).
        as_input: Whether the points are the network's input as well
            (``input_points``), as an autoencoder wants them.

    Raises:
        ConfigError: If a value is impossible.
    """

    num_points: int | None = 2500
    replace: bool = True
    normalization: str = "UnitBall"
    normals: bool = False
    as_input: bool = False

    def __post_init__(self):
        check_normalization(self.normalization)
        if self.num_points is not None and self.num_points < 1:
            raise ConfigError(
                f"num_points must be positive or None, found {self.num_points}"
            )
        if self.normals and self.normalization == "AnisotropicBoundingBox":
            raise ConfigError(
                "normals do not keep their directions with "
                "normalization='AnisotropicBoundingBox'"
            )

    def normalize(self, points: np.ndarray) -> np.ndarray:
        """Return the points (N, 3) of a whole cloud in their place, float32."""
        cloud = torch.from_numpy(points)
        placement = find_placement(cloud, self.normalization)
        return placement.normalize(cloud).float().numpy()

    def draw(
        self,
        points: np.ndarray,
        rng: SampleRandom,
        *,
        source: str,
        normals: Callable[[], np.ndarray] | None = None,
    ) -> dict[str, np.ndarray]:
        """Return ``surface_points`` and what else a sample wants.

        Draws (numpy): the indices of the points, unless all are taken.

        Args:
            points: The normalised cloud (N, 3).
            rng: Source of the draws.
            source: What error messages call the cloud.
            normals: Returns the normals (N, 3) of the cloud, if it has any.

        Raises:
            DataError: If there are too few points, or no normals.
        """
        chosen = self._choose(len(points), rng, source)
        sample = {"surface_points": np.array(points[chosen], np.float32)}
        if self.normals:
            if normals is None:
                raise DataError(f"{source}: expected normals, found positions only")
            sample["surface_normals"] = np.array(normals()[chosen], np.float32)
        if self.as_input:
            sample["input_points"] = sample["surface_points"]
        return sample

    def _choose(self, count, rng, source):
        """Return indices, or all."""
        if self.num_points is None:
            return slice(None)
        if self.replace:
            return rng.numpy.randint(count, size=self.num_points)
        if count < self.num_points:
            raise DataError(
                f"{source}: expected at least {self.num_points} points, found {count}"
            )
        return rng.numpy.permutation(count)[: self.num_points]
