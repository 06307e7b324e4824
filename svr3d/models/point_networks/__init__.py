# SPDX-License-Identifier: Apache-2.0
"""Networks from images to points and poses, for training without shapes."""

from svr3d.models.point_networks.encoded_shape import EncodedShape
from svr3d.models.point_networks.pose_network import PoseNetwork
from svr3d.models.point_networks.shape_color_network import ShapeColorNetwork
from svr3d.models.point_networks.shape_refinement import ShapeRefinement

__all__ = ["EncodedShape", "PoseNetwork", "ShapeColorNetwork", "ShapeRefinement"]
