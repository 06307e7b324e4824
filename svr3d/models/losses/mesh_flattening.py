# SPDX-License-Identifier: Apache-2.0
"""How sharply meshes are bent at their edges."""

import torch
from torch import Tensor

from svr3d.geometry.mesh_edges import mesh_edges
from svr3d.models.losses.mesh_outputs import KeptForFaces, MeshLoss
from svr3d.registry import LOSSES

_TINY = 1e-6


def bend_cosines(points: Tensor) -> Tensor:
    """Return the cosine of the angle between the two faces at each edge.

    Args:
        points: (4, E, ..., 3): both ends of an edge, and the third corners of its two
            faces.

    Returns:
        (E, ...); -1 where both faces lie in one plane, 1 where they are folded onto
        one another.
    """
    start, end, first, second = points
    along = end - start
    squared = along.square().sum(-1)
    length = (squared + _TINY).sqrt()
    normals, heights = [], []
    for corner in (first, second):
        side = corner - start
        reach = (side.square().sum(-1) + _TINY).sqrt()
        inner = (along * side).sum(-1)
        cosine = inner / (length * reach + _TINY)
        heights.append(reach * (1 - cosine.square() + _TINY).sqrt())
        normals.append(side - along * (inner / (squared + _TINY))[..., None])
    inner = (normals[0] * normals[1]).sum(-1)
    return inner / (heights[0] * heights[1] + _TINY)


@LOSSES.register_module()
class MeshFlattening(MeshLoss):
    r"""Sum over edges of :math:`(\cos\theta + 1)^2`, mean over the batch.

    theta is the angle between the two faces at an edge, so that a flat surface has no
    loss. It is a sum, not a mean: finer meshes have more of it. Edges of a boundary,
    and of more than two faces, do not count.

    Source: Kato et al., "Neural 3D Mesh Renderer" (2018); ``smoothness_loss`` in
    losses.py of bomb2peng/learn3D, of which the small constants are. Differs from it:
    there edges between the third and the first corner of a face are not looked at,
    which on a closed mesh of consistent orientation is no difference.
    """

    def __init__(self, weight: float = 1.0):
        """Set up the loss, as ``MeshLoss``."""
        super().__init__(weight)
        self._ends = KeptForFaces(_edge_corners)

    def measure(self, vertices: Tensor, faces: Tensor) -> Tensor:
        """Return the unweighted value of vertices (B, V, 3) and faces (F, 3)."""
        corners = self._ends(faces)
        # Vertices first: gathers of whole rows are fast both ways.
        points = vertices.transpose(0, 1).flatten(1).index_select(0, corners.flatten())
        points = points.view(*corners.shape, len(vertices), 3)
        bends = (bend_cosines(points) + 1).square().sum()
        return bends / len(vertices)


def _edge_corners(faces: Tensor) -> Tensor:
    """Return (4, E): both ends of each inner edge and the two corners beside it."""
    found = mesh_edges(faces)
    return torch.cat([found.edges[found.inner], found.opposite], dim=1).T.contiguous()
