# SPDX-License-Identifier: Apache-2.0
"""Random cameras with the distributions of published renderings."""

import numpy as np

from svr3d.geometry.pose_camera import CAMERA_DISTANCE

AZIMUTH_RANGE = (0.0, 360.0)
ELEVATION_RANGE = (25.0, 30.0)
DISTANCE_RATIO_RANGE = (0.65, 0.95)
FIELD_OF_VIEW = 25.0

# The renderings of the dispersion study, by DISN's renderer.
LIMITED_ELEVATION_RANGE = (20.0, 30.0)
LIMITED_DISTANCE_RATIO_RANGE = (0.65, 1.0)
# DRC's renderings, whole degrees: low up to but not including high.
DRC_AZIMUTH_RANGE = (-180, 180)
DRC_ELEVATION_RANGE = (-20, 40)

_FOCAL, _SENSOR, _LARGEST_DISTANCE = 35.0, 32.0, 1.75


def sample_choy_metadata(num_views: int, rng: np.random.Generator) -> np.ndarray:
    """Draw rows of ``rendering_metadata.txt``.

    Azimuth, elevation and distance ratio are uniform; the in-plane rotation is 0
    and the field of view the constant 25 that the original records and never
    applies. Source: Choy et al., "3D-R2N2", ECCV 2016, renderings of ShapeNet.

    Args:
        num_views: Number of cameras V.
        rng: Source of the draws.

    Returns:
        Rows (V, 5) float64, rounded to what the text file holds.
    """
    rows = np.zeros((num_views, 5))
    rows[:, 0] = rng.uniform(*AZIMUTH_RANGE, num_views)
    rows[:, 1] = rng.uniform(*ELEVATION_RANGE, num_views)
    rows[:, 3] = rng.uniform(*DISTANCE_RATIO_RANGE, num_views)
    rows[:, 4] = FIELD_OF_VIEW
    return rows.round(6)


def sample_limited_yaw(yaw_range: float, rng: np.random.Generator) -> np.ndarray:
    """Draw the camera of a rendering whose yaw is limited.

    Elevation and distance vary for every limit, also for 0. Source:
    YefanZhou/dispersion-score, customised renderings of ShapeNet.

    Args:
        yaw_range: Largest yaw to either side, in degrees.
        rng: Source of the draws.

    Returns:
        The ten numbers of ``rendering_metadata.txt``: yaw (360 and the draw), elevation
        (degrees), 0, distance ratio, focal length, sensor (mm), largest distance,
        three shifts of 0; rounded to what the text file holds.
    """
    row = np.zeros(10)
    row[0] = 360 + rng.uniform(-yaw_range, yaw_range)
    row[1] = rng.uniform(*LIMITED_ELEVATION_RANGE)
    row[3] = rng.uniform(*LIMITED_DISTANCE_RATIO_RANGE)
    row[4:7] = _FOCAL, _SENSOR, _LARGEST_DISTANCE
    return row.round(6)


def sample_drc_views(num_views: int, rng: np.random.Generator) -> np.ndarray:
    """Draw rows of ``view.txt`` as DRC's renderer does.

    Source: Tulsiani et al., "Multi-view supervision for single-view reconstruction via
    differentiable ray consistency", CVPR 2017, renderings of ShapeNet.

    Args:
        num_views: Number of cameras V.
        rng: Source of the draws.

    Returns:
        Rows (V, 4) float64 of azimuth and elevation (whole degrees), 0 and distance 2.
    """
    rows = np.zeros((num_views, 4))
    rows[:, 0] = rng.integers(*DRC_AZIMUTH_RANGE, num_views)
    rows[:, 1] = rng.integers(*DRC_ELEVATION_RANGE, num_views)
    rows[:, 3] = CAMERA_DISTANCE
    return rows
