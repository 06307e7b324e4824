# SPDX-License-Identifier: Apache-2.0
"""Clouds of any method by the distances of self-supervised point clouds.

Any shape becomes 1,024 points, both clouds a box whose longest side is 1, and a
category is turned by one rotation. Fit that on validation objects, for methods of a
frame of their own; or write the one that turns nothing, by one more option of the first
command: 'test_evaluator.fit="none"', in both quotes, as a bare none is None. Then test:

tools/test.py CHECKPOINT --evaluation aligned_points --cfg-options
test_dataloader.dataset.split=val test_evaluator.write_to=rotations.json

tools/test.py CHECKPOINT --evaluation aligned_points --cfg-options
test_evaluator.rotations=rotations.json
"""

from svr3d.metrics import AlignedPointDistances

test_evaluator = dict(
    type=AlignedPointDistances,
    points="surface",
    emd_points=1024,
    fit="search",
    rotations=None,
    write_to=None,
)
test_dataset = dict(points=dict(num_surface_points=1024))
protocol = dict(
    split="test objects of the data set",
    views=1,
    view_selection="one for each object",
    unit="longest side of each cloud",
    num_points=1024,
    reference="svr3d",
)
