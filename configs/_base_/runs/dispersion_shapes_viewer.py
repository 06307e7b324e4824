# SPDX-License-Identifier: Apache-2.0
"""The same in the frame of the camera, where shapes are more dispersed."""

from mmengine.config import read_base

with read_base():
    from .dispersion_shapes import *

train_dataloader.merge(dict(dataset=dict(coordinates="viewer")))
val_dataloader.merge(dict(dataset=dict(coordinates="viewer")))
test_dataloader.merge(dict(dataset=dict(coordinates="viewer")))
protocol.merge(dict(unit="radius of the unit ball, axes of the camera"))
