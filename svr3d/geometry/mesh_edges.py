# SPDX-License-Identifier: Apache-2.0
"""Edges of triangle meshes, and what lies beside them."""

from typing import NamedTuple

import torch
from torch import Tensor


class MeshEdges(NamedTuple):
    """The edges of a mesh.

    Attributes:
        edges: (E, 2) pairs i < j of vertices, ascending, each once.
        inner: (I,) the edges between exactly two faces.
        opposite: (I, 2) the third corners of those two faces.
    """

    edges: Tensor
    inner: Tensor
    opposite: Tensor


def mesh_edges(faces: Tensor) -> MeshEdges:
    """Find all edges of a mesh, those of boundaries too.

    Args:
        faces: (F, 3) vertex indices.

    Returns:
        The edges, int64.

    Raises:
        ValueError: If the shape is wrong.
    """
    if faces.ndim != 2 or faces.shape[1] != 3:
        raise ValueError(f"faces: expected shape (F, 3), found {tuple(faces.shape)}")
    faces = faces.long()
    sides = torch.cat([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    third = torch.cat([faces[:, 2], faces[:, 0], faces[:, 1]])
    edges, owner, counts = torch.unique(
        sides.sort(dim=1).values, dim=0, return_inverse=True, return_counts=True
    )
    order = torch.argsort(owner, stable=True)
    inner = (counts == 2).nonzero()[:, 0]
    first = (counts.cumsum(0) - counts)[inner]
    opposite = third[order[first[:, None] + torch.arange(2, device=faces.device)]]
    return MeshEdges(edges, inner, opposite)


def neighbor_table(edges: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """List the neighbours of each vertex.

    Args:
        edges: (E, 2), each once.
        count: Vertices V.

    Returns:
        (V, D) neighbours, D the most that a vertex has, filled up with the vertex
        itself; and how many there are (V,).
    """
    both = torch.cat([edges, edges.flip(1)])
    both = both[torch.argsort(both[:, 0], stable=True)]
    degree = torch.bincount(both[:, 0], minlength=count)
    start = degree.cumsum(0) - degree
    place = torch.arange(len(both), device=edges.device) - start[both[:, 0]]
    most = int(degree.max()) if count else 0
    own = torch.arange(count, device=edges.device)
    table = own[:, None].repeat(1, most)
    table[both[:, 0], place] = both[:, 1]
    return table, degree
