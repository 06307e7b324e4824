# SPDX-License-Identifier: Apache-2.0
"""Fusion of the features of several views."""

from svr3d.models.fusion.context_aware import ContextAwareFusion
from svr3d.models.fusion.gru3d import GRU3D
from svr3d.models.fusion.lstm3d import LSTM3D
from svr3d.models.fusion.pooled_views import MaxViewFusion, MeanViewFusion

__all__ = [
    "GRU3D",
    "LSTM3D",
    "ContextAwareFusion",
    "MaxViewFusion",
    "MeanViewFusion",
]
