# SPDX-License-Identifier: Apache-2.0
"""How evenly the vertices of meshes are spread."""

import torch
from torch import Tensor

from svr3d.geometry.mesh_edges import mesh_edges, neighbor_table
from svr3d.models.losses.mesh_outputs import KeptForFaces, MeshLoss
from svr3d.registry import LOSSES


def _edges(faces: Tensor) -> Tensor:
    return mesh_edges(faces).edges


@LOSSES.register_module()
class MeshLaplacian(MeshLoss):
    r"""Squared distance of each vertex from the mean of its neighbours.

    Summed over the vertices, mean over the batch. Vertices without a neighbour do not
    count. Source: ``Laplacian_edge_loss`` in losses.py of bomb2peng/learn3D.
    """

    def __init__(self, weight: float = 1.0):
        """Set up the loss, as ``MeshLoss``."""
        super().__init__(weight)
        self._edges = KeptForFaces(_edges)

    def measure(self, vertices: Tensor, faces: Tensor) -> Tensor:
        """Return the unweighted value of vertices (B, V, 3) and faces (F, 3)."""
        table, degree = neighbor_table(self._edges(faces), vertices.shape[1])
        around = vertices.index_select(1, table.flatten())
        around = around.unflatten(1, table.shape).sum(2)
        # The table is filled up with the vertex itself.
        filling = (table.shape[1] - degree)[:, None] * vertices
        mean = (around - filling) / degree.clamp(min=1)[:, None]
        apart = torch.where((degree > 0)[:, None], vertices - mean, 0)
        return apart.square().sum() / len(vertices)


@LOSSES.register_module()
class MeshEdgeLength(MeshLoss):
    """Squared difference of each edge's length from its mesh's mean length.

    Summed over the edges and over the batch, as published: larger batches have more of
    it. Source: ``Laplacian_edge_loss`` in losses.py of bomb2peng/learn3D.
    """

    def __init__(self, weight: float = 1.0):
        """Set up the loss, as ``MeshLoss``."""
        super().__init__(weight)
        self._edges = KeptForFaces(_edges)

    def measure(self, vertices: Tensor, faces: Tensor) -> Tensor:
        """Return the unweighted value of vertices (B, V, 3) and faces (F, 3)."""
        edges = self._edges(faces)
        ends = [vertices.index_select(1, edges[:, side]) for side in (0, 1)]
        lengths = torch.linalg.vector_norm(ends[0] - ends[1], dim=2)
        return (lengths - lengths.mean(1, keepdim=True)).square().sum()


@LOSSES.register_module()
class MeshInflation(MeshLoss):
    """A constant whose gradient pushes the corners of faces outwards.

    Each corner of each face is drawn towards itself plus the face's unit normal; faces
    are counter-clockwise as seen from outside. Faces without area push nowhere. Source:
    Kato and Harada, "Learning view priors for single-view 3D reconstruction" (CVPR
    2019); ``inflation_loss`` in losses.py of bomb2peng/learn3D.
    """

    def measure(self, vertices: Tensor, faces: Tensor) -> Tensor:
        """Return the unweighted value of vertices (B, V, 3) and faces (F, 3)."""
        corners = vertices.index_select(1, faces.flatten().long()).unflatten(1, (-1, 3))
        first, second, third = corners.detach().unbind(2)
        normal = torch.linalg.cross(second - first, third - first, dim=-1)
        normal = torch.nn.functional.normalize(normal, dim=-1, eps=1e-20)
        goal = corners.detach() + normal[:, :, None]
        apart = (goal - corners).square().sum(-1)
        return (apart + 1e-5).sqrt().sum() / len(vertices)
