# SPDX-License-Identifier: Apache-2.0
"""Renderers: shapes and cameras in, images out."""

from svr3d.renderers.color_renderer import ColorRenderer, composite
from svr3d.renderers.point_renderer import PointRenderer

__all__ = ["ColorRenderer", "PointRenderer", "composite"]
