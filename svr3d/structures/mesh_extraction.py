# SPDX-License-Identifier: Apache-2.0
"""From occupancy fields to meshes: where to evaluate, marching cubes, polish."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from .extraction_settings import ExtractionSettings
from .refine_surface import refine_surface
from .simplify_mesh import simplify_mesh

if TYPE_CHECKING:
    from .mesh import Mesh
    from .occupancy_field import OccupancyField

_OUTSIDE = -1e6


def extract_meshes(
    field: OccupancyField, threshold: float, settings: ExtractionSettings
) -> Mesh:
    """Extract the surfaces of a batch.

    The field is evaluated at the corners of a grid over a box slightly larger than the
    object frame, coarse to fine and only where the surface passes
    (:class:`svr3d.ops.MISE`); marching cubes runs on its logits, which are closer to
    linear than probabilities. Objects of a batch share their evaluations. Source:
    ``Generator3D`` of autonomousvision/occupancy_networks.

    Args:
        field: The batch.
        threshold: Probability on the surface, in (0, 1).
        settings: How to extract.

    Returns:
        Outward-facing triangles, closed also where an object leaves the box; an object
        that reaches the threshold nowhere has an empty mesh.

    Raises:
        ValueError: If the threshold is outside (0, 1), or the field is NaN.
        SVR3DError: If simplification is wanted and its package is missing.
    """
    from .mesh import Mesh

    level = threshold_logit(threshold)
    device = field.codes.device
    meshes = []
    for index, grid in enumerate(value_grids(field, level, settings)):
        vertices, faces = corner_surface(grid, level, settings.box_size)
        vertices = vertices.float()
        if settings.simplify_faces is not None:
            vertices, faces = simplify_mesh(vertices, faces, settings.simplify_faces)
        if settings.refinement_steps and len(faces):
            vertices = refine_surface(
                field[index].logits,
                vertices.to(device),
                faces.to(device),
                threshold=threshold,
                steps=settings.refinement_steps,
                chunk_size=field.chunk_size,
                seed=settings.seed,
            )
        meshes.append((vertices, faces))
    vertices, faces = zip(*meshes, strict=True) if meshes else ((), ())
    return Mesh(vertices, faces).to(device)


@torch.no_grad()
def value_grids(
    field: OccupancyField, level: float, settings: ExtractionSettings
) -> Tensor:
    """Return logits (B, N, N, N) float64 on the corners of the finest cells.

    Values far from the level are approximate, of the right sign.

    Args:
        field: The batch.
        level: Logit on the surface.
        settings: How to extract.
    """
    from svr3d.ops.mise import MISE

    device, size, count = field.codes.device, settings.box_size, len(field)

    def evaluate(members: Sequence[int], points: Tensor) -> Tensor:
        own = field if len(members) == count else field.take(members)
        return own.logits(points.to(device)).cpu()

    if settings.upsampling_steps == 0:
        axis = torch.linspace(-0.5, 0.5, settings.resolution)
        points = size * torch.cartesian_prod(axis, axis, axis)
        values = evaluate_ragged(evaluate, [points] * count, field.chunk_size)
        grids = torch.stack(values) if values else points.new_empty(0)
        return grids.double().reshape(count, *(settings.resolution,) * 3)
    search = MISE(settings.resolution, settings.upsampling_steps, level, batch=count)
    while any(map(len, wanted := search.query())):
        points = [size * (part.float() / search.resolution - 0.5) for part in wanted]
        search.update(evaluate_ragged(evaluate, points, field.chunk_size))
    return search.to_dense()


def threshold_logit(threshold: float) -> float:
    """Return the logit of a probability.

    Raises:
        ValueError: If it is outside (0, 1).
    """
    if not 0 < threshold < 1:
        raise ValueError(f"threshold must lie between 0 and 1, found {threshold}")
    return math.log(threshold) - math.log(1 - threshold)


def evaluate_ragged(
    evaluate: Callable[[Sequence[int], Tensor], Tensor],
    points: Sequence[Tensor],
    chunk_size: int,
) -> list[Tensor]:
    """Evaluate as many objects at once as have points left, without padding.

    Args:
        evaluate: Takes the numbers of b objects and points (b, P, 3), returns (b, P).
        points: (P_i, 3) of each object.
        chunk_size: Most points of a call, over its objects.

    Returns:
        Values (P_i,) of each object.
    """
    values = [part.new_empty(len(part)) for part in points]
    start = 0
    for end in sorted({len(part) for part in points} - {0}):
        members = [index for index, part in enumerate(points) if len(part) >= end]
        for first in range(0, len(members), chunk_size):
            group = members[first : first + chunk_size]
            step = max(1, chunk_size // len(group))
            for low in range(start, end, step):
                high = min(low + step, end)
                part = torch.stack([points[index][low:high] for index in group])
                for index, found in zip(group, evaluate(group, part), strict=True):
                    values[index][low:high] = found
        start = end
    return values


def corner_surface(
    grid: Tensor, level: float, box_size: float
) -> tuple[Tensor, Tensor]:
    """Run marching cubes on values at the corners of a box's cells.

    Outside of the box nothing is solid, so that surfaces are closed there.

    Args:
        grid: (N, N, N), the first and last values on the sides of the box.
        level: Value on the surface, below it is outside.
        box_size: Side of the box about the origin.

    Returns:
        Vertices (V, 3) of the grid's dtype and outward faces (F, 3) int64, in host
        memory; empty where nothing exceeds the level.
    """
    from svr3d.ops.marching_cubes import marching_cubes

    padded = torch.nn.functional.pad(grid.cpu(), (1,) * 6, value=_OUTSIDE)
    # The level is a float32 in the published program, also among float64 values.
    level = float(torch.tensor(level, dtype=torch.float32))
    (vertices,), (faces,) = marching_cubes(padded[None], level)
    return box_size * ((vertices - 1) / (len(grid) - 1) - 0.5), faces
