# SPDX-License-Identifier: Apache-2.0
"""Small meshes and cameras that op tests and benchmarks share."""

import math

import torch
from torch import Tensor


def cube(side: float = 1.0, centre=(0.0, 0.0, 0.0)) -> tuple[Tensor, Tensor]:
    """A closed cube, faces counter-clockwise seen from outside."""
    signs = torch.tensor(
        [[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]
    ).double()
    quads = [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4]]
    quads += [[1, 5, 7, 3]]
    faces = [[a, b, c] for a, b, c, _ in quads] + [[a, c, d] for a, _, c, d in quads]
    return signs * side / 2 + torch.tensor(centre), torch.tensor(faces)


def sphere(radius: float = 0.5, rings: int = 16) -> tuple[Tensor, Tensor]:
    """A closed latitude-longitude sphere around the origin."""
    vertices = [[0.0, 1.0, 0.0], [0.0, -1.0, 0.0]]
    columns = 2 * rings
    for i in range(1, rings):
        theta = math.pi * i / rings
        for j in range(columns):
            phi = 2 * math.pi * j / columns
            s = math.sin(theta)
            vertices.append([s * math.cos(phi), math.cos(theta), s * math.sin(phi)])
    faces = []
    for j in range(columns):
        k = (j + 1) % columns
        faces.append([0, 2 + k, 2 + j])
        last = 2 + (rings - 2) * columns
        faces.append([1, last + j, last + k])
        for i in range(rings - 2):
            a, b = 2 + i * columns + j, 2 + i * columns + k
            faces += [[a, b, b + columns], [a, b + columns, a + columns]]
    return torch.tensor(vertices).double() * radius, torch.tensor(faces)


def merge(*meshes: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Several meshes in one."""
    vertices, faces, offset = [], [], 0
    for v, f in meshes:
        vertices.append(v)
        faces.append(f + offset)
        offset += len(v)
    return torch.cat(vertices), torch.cat(faces)


def soup(count: int, seed: int = 0, size: float = 0.3) -> tuple[Tensor, Tensor]:
    """Random triangles that touch nothing."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.rand((count, 1, 3), generator=generator).double() - 0.5
    corners = torch.rand((count, 3, 3), generator=generator).double() - 0.5
    vertices = (centres * 0.8 + corners * size).reshape(-1, 3)
    return vertices, torch.arange(3 * count).reshape(-1, 3)


def orbit(views: int, height: int, width: int, distance: float = 2.0):
    """Cameras (N, 3, 4), (N, 3, 3) around the origin that look at it, y up."""
    extrinsics, intrinsics = [], []
    for i in range(views):
        a, e = 2 * math.pi * (i + 0.1) / views, math.radians(10 + 20 * (i % 3))
        eye = torch.tensor(
            [math.cos(a) * math.cos(e), math.sin(e), math.sin(a) * math.cos(e)]
        ).double()
        z = -eye
        x = torch.linalg.cross(z, torch.tensor([0.0, 1.0, 0.0]).double())
        x = x / x.norm()
        rotation = torch.stack((x, torch.linalg.cross(z, x), z))
        shift = -(rotation @ (eye * distance))
        extrinsics.append(torch.cat((rotation, shift[:, None]), dim=1))
        focal = 1.5 * max(height, width)
        intrinsics.append(
            torch.tensor(
                [[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]]
            ).double()
        )
    return torch.stack(extrinsics), torch.stack(intrinsics)


def random_points(count: int, seed: int = 0, reach: float = 0.6) -> Tensor:
    """Uniform points in a cube of half side ``reach``."""
    generator = torch.Generator().manual_seed(seed)
    points = torch.rand((count, 3), generator=generator, dtype=torch.float64)
    return (2 * points - 1) * reach
