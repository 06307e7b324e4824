# SPDX-License-Identifier: Apache-2.0
"""How AtlasNet is validated and tested: the vertices of the deformed templates.

Squared Chamfer distance and F-score at a squared distance of 0.001, each the mean of
mini-batches, in the frame of the data (published: the unit ball, 2,500 true points).
"""

from svr3d.metrics import PointDistances

val_evaluator = test_evaluator = dict(type=PointDistances, mean="batches")
