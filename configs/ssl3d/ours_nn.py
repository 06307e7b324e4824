# SPDX-License-Identifier: Apache-2.0
"""OURS-NN, the second stage: the masks of similar objects too; starts from OURS-CC.

tools/train.py configs/ssl3d/ours_nn.py --load-from work_dirs/ours_cc/iter_200001.pth

``svr3d mine-neighbours`` makes the lists of neighbours with that checkpoint. The length
of the published second stage is not known; its script, as shipped, leaves the loss on
neighbours out and trains no iteration.
"""

from mmengine.config import read_base

with read_base():
    from .._base_.models.ssl3d_neighbors import *
    from .._base_.runs.ssl3d import *

train_dataloader.merge(dict(dataset=dict(neighbors=5)))
load_from = "work_dirs/ours_cc/iter_200001.pth"
