# SPDX-License-Identifier: Apache-2.0
"""How the dispersion study trains on one view of each object, in the object's frame."""

from mmengine.config import read_base

with read_base():
    from ..schedules.adam_dispersion import *
    from .atlasnet import *

# Views are cropped as in testing.
train_dataloader.merge(
    dict(
        batch_size=64,
        dataset=dict(reader="each", views=(1, 1), pipeline=test_pipeline),
    )
)
val_dataloader.merge(dict(batch_size=64))
test_dataloader.merge(dict(batch_size=64))
protocol.merge(dict(reference="Zhou et al., 3DV 2021"))
