# SPDX-License-Identifier: Apache-2.0
"""Watertight versions of meshes: depth maps from all around, fused into a volume.

Source: Stutz and Geiger, "Learning 3D shape completion under weak supervision" (2018)
and their tool mesh-fusion as autonomousvision/occupancy_networks ships it, which
renders with OpenGL and fuses with CUDA.
"""

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import max_pool2d, pad

from svr3d.errors import MeshError
from svr3d.io.mesh_data import MeshData
from svr3d.ops import marching_cubes, rasterize_meshes

NUM_VIEWS = 100
IMAGE_SIDE_PER_CELL = 3.0
CAMERA_DISTANCE = 2.0
TRUNCATION = 10 / 256
_LEAST_TRUNCATION_CELLS = 2.0
_OFFSET_CELLS = 1.5
_NEAR, _FAR = 1.0, 3.0
_PADDING = 0.1
_OUTSIDE = 1e6
_CELLS_AT_ONCE = 1 << 16


def is_watertight(mesh: MeshData) -> bool:
    """Tell whether each edge has two faces that run along it in opposite directions.

    Vertices at one place count as one.
    """
    _, places = np.unique(mesh.vertices, axis=0, return_inverse=True)
    faces = places.reshape(-1)[mesh.faces]
    edges = np.concatenate([faces, np.roll(faces, -1, axis=1)]).reshape(2, -1)
    count = len(mesh.vertices)
    ahead = np.unique(edges[0] * count + edges[1])
    back = np.unique(edges[1] * count + edges[0])
    return len(ahead) == edges.shape[1] and np.array_equal(ahead, back)


def make_watertight(
    mesh: MeshData, *, resolution: int = 256, num_views: int = NUM_VIEWS
) -> MeshData:
    """Return a closed mesh around what a mesh shows from outside.

    Depth maps of cameras all around are moved 1.5 cells towards them and eroded, which
    makes thin parts thick, and fused into a truncated signed distance, whose zero level
    is the result: faces that nothing sees from outside are gone, openings narrower
    than a pixel are closed, and the surface lies up to some cells outside.

    Differs from mesh-fusion: cameras stand at distance 2, where each sees the whole
    volume; at distance 1 there are corners that no map knows, which count as inside.

    Args:
        mesh: Mesh in the object frame, longest side 1.
        resolution: Cells along each side of the volume.
        num_views: Depth maps.

    Raises:
        MeshError: If no camera sees the mesh.
    """
    cell = 1.0 / resolution
    side = round(IMAGE_SIDE_PER_CELL * resolution)
    rotations = view_rotations(golden_angle_views(num_views))
    depth = _render_depth(mesh, rotations, side)
    depth = erode_depth(depth - _OFFSET_CELLS * cell)
    distance = fuse_depth_maps(
        depth,
        rotations,
        resolution=resolution,
        focal=float(side),
        principal=side / 2,
        camera_distance=CAMERA_DISTANCE,
        # Ten cells at the published resolution. More than that in coarse volumes would
        # let walls that hide a room from most cameras fill it.
        truncation=max(TRUNCATION, _LEAST_TRUNCATION_CELLS * cell),
    )
    # Closed at the sides of the volume; inside is where values are high.
    volume = -pad(distance, (1,) * 6, value=_OUTSIDE)
    (vertices,), (faces,) = marching_cubes(volume[None])
    if not len(faces):
        raise MeshError(
            "expected a mesh that cameras around it see, found an empty volume after "
            "the fusion of depth maps"
        )
    # Value i of the padded volume lies at the centre of cell i - 1.
    vertices = (vertices - 0.5) * cell - 0.5
    return MeshData((vertices / (1 - _PADDING)).numpy(), faces.numpy())


def golden_angle_views(count: int) -> Tensor:
    """Return directions (count, 3) float64 on a spiral that covers the sphere."""
    step = torch.arange(count, dtype=torch.float64)
    height = (step + 0.5) * 2 / count - 1
    radius = (1 - height**2).sqrt()
    angle = torch.remainder(step + 1, count) * (math.pi * (3 - math.sqrt(5)))
    return torch.stack([radius * angle.cos(), height, radius * angle.sin()], dim=1)


def view_rotations(directions: Tensor) -> Tensor:
    """Return rotations (N, 3, 3) into cameras that stand around an object.

    Args:
        directions: Directions (N, 3) of ``golden_angle_views``.
    """
    x, y, z = directions.unbind(1)
    around = -torch.atan2(x, y)
    over = torch.atan2(z, torch.hypot(x, y))
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    turn = [around.cos(), zero, around.sin()]
    turn += [zero, one, zero]
    turn += [-around.sin(), zero, around.cos()]
    tilt = [one, zero, zero]
    tilt += [zero, over.cos(), -over.sin()]
    tilt += [zero, over.sin(), over.cos()]
    turned, tilted = (torch.stack(m, dim=1).unflatten(1, (3, 3)) for m in (turn, tilt))
    return turned @ tilted


def erode_depth(depth: Tensor) -> Tensor:
    """Return the smallest depth of each 3 x 3 pixels of maps (N, H, W)."""
    return -max_pool2d(-depth[:, None], 3, stride=1, padding=1)[:, 0]


def fuse_depth_maps(
    depth: Tensor,
    rotations: Tensor,
    *,
    resolution: int,
    focal: float,
    principal: float,
    truncation: float,
    camera_distance: float = 1.0,
) -> Tensor:
    """Return the truncated signed distance that depth maps mean.

    The camera of a map sees x at ``R x + (0, 0, distance)``, and its pixel of u is
    ``int(u + 0.5)``. At a cell's centre each map contributes its depth there less the
    centre's, at most the truncation, unless the centre is hidden deeper than that; the
    result is the mean, or minus the truncation where no map contributes. Arithmetic in
    float32.

    Args:
        depth: Maps (N, H, W), 0 where nothing is known.
        rotations: Rotations (N, 3, 3) of the cameras.
        resolution: Cells along each side of [-0.5, 0.5]^3, R.
        focal: Focal length in pixels.
        principal: Row and column of the optical axis.
        truncation: Largest distance.
        camera_distance: From the cameras to the origin.

    Returns:
        Distances (R, R, R) float32, indexed [x, y, z], negative inside.

    Raises:
        ValueError: If shapes do not fit.
    """
    if depth.ndim != 3 or rotations.shape != (len(depth), 3, 3):
        raise ValueError(
            "expected depth (N, H, W) and rotations (N, 3, 3), found "
            f"{tuple(depth.shape)} and {tuple(rotations.shape)}"
        )
    width = depth.shape[2] + 2
    # A frame of pixels around the maps stands for all that lies outside of them.
    # Unknown depths fail every comparison.
    maps = pad(depth.float(), (1, 1, 1, 1))
    maps = torch.where(maps > 0, maps, -math.inf).flatten(1)
    shifts = (0.0, 0.0, camera_distance)
    limits = (depth.shape[1], depth.shape[2])
    centres = (torch.arange(resolution) + 0.5) / resolution - 0.5
    pairs = torch.cartesian_prod(centres, centres)
    result = torch.empty(resolution**2, resolution)
    # Parts that stay in the processor's cache, whatever the resolution.
    rows = max(1, _CELLS_AT_ONCE // resolution)
    for xy, part in zip(pairs.split(rows), result.split(rows), strict=True):
        total, count = torch.zeros_like(part), torch.zeros_like(part)
        for values, rotation in zip(maps, rotations.float(), strict=True):
            across, down, behind = (
                (xy @ row[:2])[:, None] + (row[2] * centres + shift)
                for row, shift in zip(rotation, shifts, strict=True)
            )
            line, column = (
                place.mul_(focal)
                .div_(behind)
                .add_(principal + 0.5)
                # Cutting decimals off is the published rounding.
                .clamp_(-1, size)
                .trunc_()
                for place, size in zip((down, across), limits, strict=True)
            )
            pixel = column.add_(line, alpha=width).add_(width + 1).long()
            distance = values.take(pixel).sub_(behind)
            counted = distance >= -truncation
            distance.clamp_(max=truncation)
            total += torch.where(counted, distance, 0)
            count += counted
        part.copy_(torch.where(count > 0, total / count, -truncation))
    return result.unflatten(0, (resolution, resolution))


def _render_depth(mesh: MeshData, rotations: Tensor, side: int) -> Tensor:
    """Return depth maps (N, side, side); where there is nothing, the far end."""
    shift = torch.tensor([0.0, 0.0, CAMERA_DISTANCE], dtype=torch.float64)
    extrinsics = torch.cat([rotations, shift.expand(len(rotations), 3)[..., None]], 2)
    # Pixels of the rasteriser have their centres at half-integers, those of the fusion
    # at integers.
    middle = side / 2 + 0.5
    intrinsics = torch.tensor(
        [[float(side), 0, middle], [0, float(side), middle], [0, 0, 1]],
        dtype=torch.float64,
    )
    maps = []
    for camera in extrinsics:
        found = rasterize_meshes(
            mesh.vertices * np.float32(1 - _PADDING),
            mesh.faces,
            camera[None],
            intrinsics[None],
            height=side,
            width=side,
            near=_NEAR,
            far=_FAR,
        )
        hit = found.face_index >= 0
        maps.append(torch.where(hit, found.depth, _FAR))
    return torch.cat(maps)
