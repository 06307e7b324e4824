# SPDX-License-Identifier: Apache-2.0
"""Networks that answer at points: a code and points in, occupancy logits out."""

from svr3d.models.decoders.batch_norm_decoder import BatchNormDecoder
from svr3d.models.decoders.cbn_decoder import CBNDecoder
from svr3d.models.decoders.cbn_decoder2 import CBNDecoder2
from svr3d.models.decoders.cbn_no_resnet_decoder import CBNNoResNetDecoder
from svr3d.models.decoders.grid_decoder import GridDecoder
from svr3d.models.decoders.local_decoder import LocalDecoder
from svr3d.models.decoders.point_decoder import PointDecoder
from svr3d.models.decoders.simple_decoder import SimpleDecoder

__all__ = [
    "BatchNormDecoder",
    "CBNDecoder",
    "CBNDecoder2",
    "CBNNoResNetDecoder",
    "GridDecoder",
    "LocalDecoder",
    "PointDecoder",
    "SimpleDecoder",
]
