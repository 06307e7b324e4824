# SPDX-License-Identifier: Apache-2.0
"""Renderers: shapes and cameras in, images out."""

from svr3d.renderers.color_renderer import ColorRenderer, composite
from svr3d.renderers.mesh_views import MeshViews
from svr3d.renderers.neural_mesh_renderer import NeuralMeshRenderer
from svr3d.renderers.point_renderer import PointRenderer
from svr3d.renderers.soft_mesh_renderer import SoftMeshRenderer

__all__ = [
    "ColorRenderer",
    "MeshViews",
    "NeuralMeshRenderer",
    "PointRenderer",
    "SoftMeshRenderer",
    "composite",
]
