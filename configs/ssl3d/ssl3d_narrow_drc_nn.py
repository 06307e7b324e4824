# SPDX-License-Identifier: Apache-2.0
"""The second stage of ssl3d_narrow_drc.py: the masks of similar objects too.

svr3d mine-neighbours work_dirs/ssl3d_narrow_drc/iter_10000.pth
tools/train.py configs/ssl3d/ssl3d_narrow_drc_nn.py --cfg-options
data_root=data/mine_drc 'categories=["fish"]'

It takes half as many iterations, at half the rate.
"""

from mmengine.config import read_base

with read_base():
    from .._base_.models.ssl3d_neighbors import *
    from .ssl3d_narrow_drc import *  # isort: skip  # whose model it is

model.merge(neighbor_terms)
train_dataloader.merge(dict(dataset=dict(neighbors=5)))
train_cfg.merge(dict(max_iters=5000))
optim_wrapper.merge(
    dict(shape=dict(optimizer=dict(lr=5e-4)), pose=dict(optimizer=dict(lr=5e-4)))
)
param_scheduler = [
    dict(type=CosineAnnealingLR, eta_min=0.0, T_max=5000, by_epoch=False)
]
load_from = "work_dirs/ssl3d_narrow_drc/iter_10000.pth"
