# SPDX-License-Identifier: Apache-2.0
"""Renderers: meshes and cameras in, images out."""

from svr3d.renderers.color_renderer import ColorRenderer, composite

__all__ = ["ColorRenderer", "composite"]
