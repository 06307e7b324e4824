# SPDX-License-Identifier: Apache-2.0
"""How occupancy networks are validated and tested.

Validation takes the field at all stored points; the test takes the extracted mesh, by
100,000 points on its surface and by the published inside test.
"""

from svr3d.metrics import MeshDistances, PointIoU

val_evaluator = dict(type=PointIoU, source="field")
test_evaluator = [
    dict(type=PointIoU, source="mesh"),
    dict(type=MeshDistances),
]
