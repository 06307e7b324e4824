# SPDX-License-Identifier: Apache-2.0
"""Ablation: batch norms that the code does not condition; 12,038,465 parameters."""

from mmengine.config import read_base

from svr3d.models.decoders import BatchNormDecoder

with read_base():
    from .onet_img import *

model.merge(dict(head=dict(decoder=dict(type=BatchNormDecoder))))
