# SPDX-License-Identifier: Apache-2.0
"""Ablation: a decoder without residual blocks; 12,427,585 parameters."""

from mmengine.config import read_base

from svr3d.models.decoders import CBNNoResNetDecoder

with read_base():
    from .onet_img import *

model.merge(dict(head=dict(decoder=dict(type=CBNNoResNetDecoder))))
