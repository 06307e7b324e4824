# SPDX-License-Identifier: Apache-2.0
"""How the Lightning re-implementation of occupancy networks is evaluated.

Surfaces are compared by their vertices, points by the field at probability 0.5; the
figures cannot be compared with those of the authors' protocol. The best weights are
those of the lowest loss.
"""

from svr3d.metrics import MeshDistances, OccupancyLoss, PointIoU

val_evaluator = [dict(type=OccupancyLoss, reduction="mean")]
test_evaluator = [
    dict(
        type=PointIoU,
        thresholds=(0.5,),
        source="field",
        points_key="points",
        occupancies_key="occupancies",
    ),
    dict(type=MeshDistances, points="vertices"),
]
