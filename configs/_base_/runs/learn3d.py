# SPDX-License-Identifier: Apache-2.0
"""What all runs of learn3D share: hooks and logs.

Each validation also measures how far apart the codes of different views are.
"""

from mmengine.config import read_base

from svr3d.engine.hooks.view_mmd_hook import ViewMMDHook

with read_base():
    from ..runtime.by_iteration import *

default_hooks.merge(
    dict(
        logger=dict(interval=50),
        checkpoint=dict(interval=500, save_best="voxel/iou_category_mean"),
    )
)
log_processor.merge(dict(window_size=50))
custom_hooks = [dict(type=ViewMMDHook)]
