# SPDX-License-Identifier: Apache-2.0
"""How evenly the vertices of meshes are spread."""

import torch
from torch import Tensor, nn

from svr3d.geometry.mesh_edges import mesh_edges, neighbor_table
from svr3d.models.losses.mesh_outputs import KeptForFaces, vertices_and_faces
from svr3d.registry import LOSSES


def _edges(faces: Tensor) -> Tensor:
    return mesh_edges(faces).edges


@LOSSES.register_module()
class MeshLaplacian(nn.Module):
    r"""Squared distance of each vertex from the mean of its neighbours.

    Summed over the vertices, mean over the batch. Vertices without a neighbour do not
    count. Source: ``Laplacian_edge_loss`` in losses.py of bomb2peng/learn3D.
    """

    def __init__(self, weight: float = 1.0):
        """Set up the loss.

        Args:
            weight: Factor.
        """
        super().__init__()
        self.weight = weight
        self._edges = KeptForFaces(_edges)

    def forward(self, outputs: dict[str, Tensor], batch: dict[str, Tensor]) -> Tensor:
        """Measure meshes.

        Args:
            outputs: ``vertices`` (B, V, 3) and ``faces`` (F, 3).
            batch: Unused.

        Returns:
            Scalar.

        Raises:
            ValueError: If there are no meshes of common faces.
        """
        vertices, faces = vertices_and_faces(outputs, self)
        table, degree = neighbor_table(self._edges(faces), vertices.shape[1])
        around = vertices.index_select(1, table.flatten())
        around = around.unflatten(1, table.shape).sum(2)
        # The table is filled up with the vertex itself.
        filling = (table.shape[1] - degree)[:, None] * vertices
        mean = (around - filling) / degree.clamp(min=1)[:, None]
        apart = torch.where((degree > 0)[:, None], vertices - mean, 0)
        return self.weight * apart.square().sum() / len(vertices)


@LOSSES.register_module()
class MeshEdgeLength(nn.Module):
    """Squared difference of each edge's length from its mesh's mean length.

    Summed over the edges and over the batch, as published: larger batches have more of
    it. Source: ``Laplacian_edge_loss`` in losses.py of bomb2peng/learn3D.
    """

    def __init__(self, weight: float = 1.0):
        """Set up the loss.

        Args:
            weight: Factor.
        """
        super().__init__()
        self.weight = weight
        self._edges = KeptForFaces(_edges)

    def forward(self, outputs: dict[str, Tensor], batch: dict[str, Tensor]) -> Tensor:
        """Measure meshes.

        Args:
            outputs: ``vertices`` (B, V, 3) and ``faces`` (F, 3).
            batch: Unused.

        Returns:
            Scalar.

        Raises:
            ValueError: If there are no meshes of common faces.
        """
        vertices, faces = vertices_and_faces(outputs, self)
        edges = self._edges(faces)
        ends = [vertices.index_select(1, edges[:, side]) for side in (0, 1)]
        lengths = torch.linalg.vector_norm(ends[0] - ends[1], dim=2)
        return self.weight * (lengths - lengths.mean(1, keepdim=True)).square().sum()


@LOSSES.register_module()
class MeshInflation(nn.Module):
    """A constant whose gradient pushes the corners of faces outwards.

    Each corner of each face is drawn towards itself plus the face's unit normal; faces
    are counter-clockwise as seen from outside. Faces without area push nowhere. Source:
    Kato and Harada, "Learning view priors for single-view 3D reconstruction" (CVPR
    2019); ``inflation_loss`` in losses.py of bomb2peng/learn3D.
    """

    def __init__(self, weight: float = 1.0):
        """Set up the loss.

        Args:
            weight: Factor.
        """
        super().__init__()
        self.weight = weight

    def forward(self, outputs: dict[str, Tensor], batch: dict[str, Tensor]) -> Tensor:
        """Measure meshes.

        Args:
            outputs: ``vertices`` (B, V, 3) and ``faces`` (F, 3).
            batch: Unused.

        Returns:
            Scalar; 3 F for any mesh whose faces have areas.

        Raises:
            ValueError: If there are no meshes of common faces.
        """
        vertices, faces = vertices_and_faces(outputs, self)
        corners = vertices.index_select(1, faces.flatten().long()).unflatten(1, (-1, 3))
        first, second, third = corners.detach().unbind(2)
        normal = torch.linalg.cross(second - first, third - first, dim=-1)
        normal = torch.nn.functional.normalize(normal, dim=-1, eps=1e-20)
        goal = corners.detach() + normal[:, :, None]
        apart = (goal - corners).square().sum(-1)
        return self.weight * (apart + 1e-5).sqrt().sum() / len(vertices)
