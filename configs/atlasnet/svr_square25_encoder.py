# SPDX-License-Identifier: Apache-2.0
"""AtlasNet for images, step 1: an encoder for the autoencoder's decoder, which is kept.

The program's own form, whose decoder normalises by batches and is trained from its
first new optimiser on, is
custom_hooks.1.statistics=batch custom_hooks.1.until_epoch=120.
"""

from mmengine.config import read_base

from svr3d.engine.hooks.freeze_parts_hook import FreezePartsHook

with read_base():
    from .svr_square25_scratch import *

model.merge(
    dict(part_weights=dict(head="work_dirs/autoencoder_square25/epoch_150.pth"))
)
custom_hooks.append(dict(type=FreezePartsHook, parts=["head"]))
