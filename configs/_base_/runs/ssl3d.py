# SPDX-License-Identifier: Apache-2.0
"""A run of self-supervised point clouds on DRC's renderings, as published.

Predictions lie in a frame of their own, one rotation from the objects': evaluation fits
it. So no checkpoint is the best one before that, and the last ones are kept.
"""

from mmengine.config import read_base

from svr3d.metrics import AlignedPointDistances, PoseErrors

with read_base():
    from ..datasets.shapenet_drc import *
    from ..runtime.by_iteration import *
    from ..schedules.adam_ssl3d import *

# Colours of predictions are compared in the test alone.
test_dataloader.merge(dict(dataset=dict(colors=True)))
default_hooks.merge(
    dict(logger=dict(interval=100), checkpoint=dict(save_best=None, interval=2000))
)
log_processor.merge(dict(window_size=100))

protocol = dict(
    split="images_list_<synset>_<split>.npy",
    views=1,
    view_selection="listed",
    unit="longest side of each cloud",
    num_points=1024,
    reference="Navaneet et al., CVPR 2020",
)

# Rotations are fitted to the objects of each evaluation. A fair test takes those of the
# validation, which write_to of the one writes and rotations of the other reads.
val_evaluator = [dict(type=AlignedPointDistances), dict(type=PoseErrors)]
test_evaluator = [
    dict(type=AlignedPointDistances, emd_points=1024),
    dict(type=PoseErrors),
]
