# SPDX-License-Identifier: Apache-2.0
"""F-scores as what3d takes them, 1 % of the cube's side (0.01) being the headline.

Points must be nearer than the threshold; voxels become the inflated surface between
solid and empty cells.
"""

from svr3d.metrics import MeshDistances

test_evaluator = dict(
    type=MeshDistances,
    f_thresholds=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2),
    strict=True,
    voxel_surface="inflated",
)
