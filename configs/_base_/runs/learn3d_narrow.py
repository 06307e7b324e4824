# SPDX-License-Identifier: Apache-2.0
"""Runs of learn3D of minutes, for one category of own data and two CPU cores.

One view of each object is seen in training, drawn once for all; validation and test
show all. A quarter of the published batch, networks of half the width.
"""

from mmengine.config import read_base

with read_base():
    from .learn3d_cvpr18 import *

data_root = "data/custom"
categories = None
for loader in (train_dataloader, val_dataloader, test_dataloader):
    loader.merge(
        dict(
            num_workers=0,
            dataset=dict(data_root=data_root, categories=categories),
        )
    )
train_dataloader.merge(
    dict(batch_size=32, drop_last=True, dataset=dict(views_per_object=1))
)

protocol.merge(
    dict(
        split="<category>_<split>_images.npz of the data set",
        reference="Peng et al., arXiv 2004.01347, short run",
    )
)

# What the models of these runs merge.
narrow_encoder = dict(widths=(32, 64, 128), hidden_features=(512, 512))
narrow_generator = dict(hidden_features=(512, 1024))
