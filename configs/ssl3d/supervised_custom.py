# SPDX-License-Identifier: Apache-2.0
"""The encoder and the images of ssl3d_narrow_custom.py under a supervised head.

What clouds from masks alone are compared with: PSGN's head learns from true points,
so that its predictions need no rotation.

tools/train.py configs/ssl3d/supervised_custom.py --cfg-options data_root=data/mine
"""

from mmengine.config import read_base
from mmengine.optim import CosineAnnealingLR, OptimWrapper
from mmengine.runner import IterBasedTrainLoop, TestLoop, ValLoop
from torch.optim import Adam

from svr3d.metrics import AlignedPointDistances
from svr3d.models.backbones import SameConvEncoder
from svr3d.models.data_preprocessors import ImagePreprocessor
from svr3d.models.heads import PSGNHead
from svr3d.models.losses import ChamferLoss
from svr3d.models.reconstructors import EncoderDecoder

with read_base():
    from .._base_.datasets.single_images_r2n2 import *
    from .._base_.runtime.by_iteration import *

train_dataloader.merge(dict(dataset=dict(points=dict(num_surface_points=1024))))

model = dict(
    type=EncoderDecoder,
    data_preprocessor=dict(
        type=ImagePreprocessor, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)
    ),
    backbone=dict(type=SameConvEncoder, widths=(16, 32, 64, 128)),
    head=dict(type=PSGNHead, code_features=128, hidden_features=128, num_points=1024),
    losses=[dict(type=ChamferLoss, weight=100.0)],
)

train_cfg = dict(type=IterBasedTrainLoop, max_iters=5000, val_interval=1000)
val_cfg = dict(type=ValLoop)
test_cfg = dict(type=TestLoop)
optim_wrapper = dict(type=OptimWrapper, optimizer=dict(type=Adam, lr=1e-3))
param_scheduler = [
    dict(type=CosineAnnealingLR, eta_min=0.0, T_max=5000, by_epoch=False)
]
default_hooks.merge(
    dict(logger=dict(interval=50), checkpoint=dict(save_best=None, interval=1000))
)

protocol = dict(
    split="ShapeNet.json of the data set",
    views=1,
    view_selection="first",
    unit="longest side of each cloud",
    num_points=1024,
    reference="Navaneet et al., CVPR 2020, short run",
)
val_evaluator = dict(type=AlignedPointDistances, fit="none")
test_evaluator = dict(type=AlignedPointDistances, fit="none", emd_points=1024)
