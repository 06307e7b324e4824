# SPDX-License-Identifier: Apache-2.0
"""Random cameras with the distribution of 3D-R2N2's renderings."""

import numpy as np

AZIMUTH_RANGE = (0.0, 360.0)
ELEVATION_RANGE = (25.0, 30.0)
DISTANCE_RATIO_RANGE = (0.65, 0.95)
FIELD_OF_VIEW = 25.0


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
