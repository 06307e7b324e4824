# SPDX-License-Identifier: Apache-2.0
"""3D-AE-featGAN on photographs of Pascal3D+: ResNet-18, symmetric meshes.

Images are 224 pixels, silhouettes 64; views are classes by 45 degrees of three angles,
as many as the training data occupies.

tools/train.py configs/learn3d/featgan_pascal3d.py --cfg-options data_root=data/pascal3d
"""

from mmengine.config import read_base

from svr3d.models.backbones import ConditionalResNet

with read_base():
    from .._base_.datasets.pascal3d_plus import *
    from .._base_.evaluation.mesh_voxels import *
    from .._base_.models.learn3d_featgan import *
    from .._base_.runs.learn3d import *
    from .._base_.schedules.adam_learn3d_adversary import *

model.merge(
    dict(
        inputs=("images",),
        backbone=dict(
            _delete_=True,
            type=ConditionalResNet,
            depth=18,
            out_features=512,
            linear=False,
        ),
        head=dict(mirror_axis="z"),
        renderer=dict(camera="orthographic"),
        losses=dict(prior=dict(weight=0.01)),
        adversary=dict(weight=0.01),
    )
)
train_cfg.merge(dict(max_iters=40_000))

for evaluator in (val_evaluator, test_evaluator):
    evaluator.merge(dict(mesh_voxels=dict(scale=1 / 2)))
protocol = dict(
    split="<class>_train.npz and <class>_imagenet.npz, <class>_val.npz",
    views=1,
    view_selection="the only one",
    unit="half the edge of the grid",
    num_points=None,
    reference="Peng et al., arXiv 2004.01347",
)
