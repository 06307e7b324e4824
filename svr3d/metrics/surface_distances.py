# SPDX-License-Identifier: Apache-2.0
"""Distances from everywhere on one surface to another, as Metro measures them."""

from dataclasses import dataclass

import torch
from torch import Tensor

from svr3d.metrics.predicted_points import has_area
from svr3d.ops.point_mesh_distance import point_mesh_distance
from svr3d.ops.sample_surface import sample_surface


@dataclass(frozen=True)
class SurfaceDistances:
    """How far the points of one surface are from another, Euclidean.

    Attributes:
        largest: Over all samples: vertices, edges and faces.
        mean: Over the surface, that is over samples uniform by area; over the
            vertices where there is no area.
        rms: Root of the mean square, as the mean.
    """

    largest: float
    mean: float
    rms: float


def surface_distances(
    vertices: Tensor,
    faces: Tensor,
    other_vertices: Tensor,
    other_faces: Tensor,
    *,
    num_points: int = 100_000,
    seed: int = 0,
) -> SurfaceDistances:
    """Measure from one mesh to the surface of another; one direction.

    All vertices that faces use, points along all edges, as dense as those on the faces,
    and points drawn uniformly by area are compared with the other mesh's exact surface.
    The largest of their distances is a lower bound of the one-sided Hausdorff distance,
    below it by less than the spacing of the points.

    Cignoni et al., "Metro: measuring error on simplified surfaces" (1998).

    Args:
        vertices: (V, 3) of the mesh that is sampled.
        faces: (F, 3), at least one.
        other_vertices: (W, 3) of the mesh that distances are to.
        other_faces: (G, 3), at least one; a face may be a segment or a point.
        num_points: Drawn on the faces, uniformly by area.
        seed: Of the draws.
    """
    vertices = vertices.detach().double()
    fixed = vertices[faces.unique()]
    drawn = fixed
    if has_area(vertices, faces):
        drawn = sample_surface(vertices, faces, num_points, seed=seed).points
        fixed = torch.cat((fixed, _edge_points(vertices, faces, num_points)))
    other = other_vertices.detach().double()
    inner, edges = (
        point_mesh_distance(points, other, other_faces).squared_distances
        for points in (drawn, fixed)
    )
    return SurfaceDistances(
        float(torch.cat((inner, edges)).amax().sqrt()),
        float(inner.sqrt().mean()),
        float(inner.mean().sqrt()),
    )


def _edge_points(vertices: Tensor, faces: Tensor, num_points: int) -> Tensor:
    """Points that cut all edges into parts no longer than the spacing on the faces."""
    pairs = torch.cat((faces[:, :2], faces[:, 1:], faces[:, ::2])).sort(1).values
    starts, ends = vertices[pairs.unique(dim=0)].unbind(1)
    a, b, c = vertices[faces].unbind(1)
    area = torch.linalg.cross(b - a, c - a).norm(dim=1).sum() / 2
    spacing = (area / num_points).sqrt()
    inner = ((ends - starts).norm(dim=1) / spacing).ceil().long() - 1
    inner = inner.clamp_(0, num_points)
    edge = torch.repeat_interleave(torch.arange(len(inner)).to(inner), inner)
    first = inner.cumsum(0) - inner
    step = torch.arange(len(edge)).to(edge) - first[edge] + 1
    share = step / (inner[edge] + 1)
    return torch.lerp(starts[edge], ends[edge], share[:, None].to(starts))
