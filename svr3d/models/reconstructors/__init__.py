# SPDX-License-Identifier: Apache-2.0
"""Compositions of parts that train and predict."""

from svr3d.models.reconstructors.base import BaseReconstructor
from svr3d.models.reconstructors.encoder_decoder import EncoderDecoder
from svr3d.models.reconstructors.self_supervised_points import SelfSupervisedPoints
from svr3d.models.reconstructors.silhouette_meshes import SilhouetteMeshes

__all__ = [
    "BaseReconstructor",
    "EncoderDecoder",
    "SelfSupervisedPoints",
    "SilhouetteMeshes",
]
