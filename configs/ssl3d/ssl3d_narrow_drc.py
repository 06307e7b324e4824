# SPDX-License-Identifier: Apache-2.0
"""Self-supervised point clouds of one category of own data, in minutes, DRC's layout.

tools/train.py configs/ssl3d/ssl3d_narrow_drc.py --cfg-options data_root=data/mine_drc
'categories=["fish"]'
"""

from mmengine.config import read_base

from svr3d.metrics import PoseErrors

with read_base():
    from .._base_.runs.ssl3d_narrow import *

    # After the run, whose data it replaces.
    from .._base_.datasets.shapenet_drc import *  # isort: skip

train_dataloader.merge(dict(batch_size=8, num_workers=0))
val_dataloader.merge(dict(num_workers=0))
test_dataloader.merge(dict(num_workers=0, dataset=dict(colors=True)))
model.merge(
    dict(
        renderer=dict(distance=2.0, focal_over_side=1.875),
        elevations=(-20.0, 40.0),
    )
)
val_evaluator = [val_evaluator, dict(type=PoseErrors)]
test_evaluator = [test_evaluator, dict(type=PoseErrors)]
protocol.merge(dict(split="images_list_<synset>_<split>.npy", view_selection="listed"))
