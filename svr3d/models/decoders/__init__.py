# SPDX-License-Identifier: Apache-2.0
"""Networks that answer at points: a code and points in, occupancy logits out."""

from svr3d.models.decoders.cbn_decoder import CBNDecoder
from svr3d.models.decoders.point_decoder import PointDecoder

__all__ = ["CBNDecoder", "PointDecoder"]
