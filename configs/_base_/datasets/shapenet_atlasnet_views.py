# SPDX-License-Identifier: Apache-2.0
"""ShapeNet as the dispersion study trains on it: every view a sample, viewer-centred.

``views=(1,N)`` trains on N views of each shape, 23 at most; view 0 tests.
``coordinates=object`` keeps the targets in the axes of the object.
"""

from mmengine.config import read_base

with read_base():
    from .shapenet_atlasnet import *

coordinates = "viewer"
views = (1, 1)

train_dataloader.merge(
    dict(
        batch_size=64,
        drop_last=True,
        dataset=dict(
            reader="each",
            views=views,
            coordinates=coordinates,
            pipeline=test_pipeline,
        ),
    )
)
val_dataloader.merge(dict(batch_size=64, dataset=dict(coordinates=coordinates)))
test_dataloader.merge(dict(batch_size=64, dataset=dict(coordinates=coordinates)))
