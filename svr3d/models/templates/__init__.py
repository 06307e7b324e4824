# SPDX-License-Identifier: Apache-2.0
"""Shapes that heads deform into objects."""

from svr3d.models.templates.array_template import ArrayTemplate
from svr3d.models.templates.base import Template
from svr3d.models.templates.sphere_template import SphereTemplate
from svr3d.models.templates.square_template import SquareTemplate

__all__ = ["ArrayTemplate", "SphereTemplate", "SquareTemplate", "Template"]
