# SPDX-License-Identifier: Apache-2.0
"""EfficientNet-b0 and a decoder without norms, as re-implemented in Lightning."""

from mmengine.config import read_base

from svr3d.models.decoders import SimpleDecoder

with read_base():
    from .onet_lightning_cbn import *

model.merge(dict(head=dict(decoder=dict(type=SimpleDecoder, activation="after"))))
