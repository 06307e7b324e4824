# SPDX-License-Identifier: Apache-2.0
"""Times voxelisation and inside tests against the torch twin and other libraries.

Example: python tests/benchmarks/bench_voxelize.py --threads 1 --json voxelize.json
"""

import importlib.util

import numpy as np
from harness import finish, meshes, parse, race
from shapes import random_points

from svr3d.ops import points_inside, voxelize_meshes, winding_number
from svr3d.ops._torch.points_inside import points_inside_torch
from svr3d.ops._torch.voxelize_surface import voxelize_surface_torch

TWIN_FACES = 5000  # the twins take minutes beyond this


def voxel_peers(vertices, faces, resolution: int) -> dict:
    peers = {"svr3d solid": lambda: voxelize_meshes(vertices, faces, resolution)}
    peers["svr3d surface"] = lambda: voxelize_meshes(
        vertices, faces, resolution, mode="surface"
    )
    if len(faces) <= TWIN_FACES and resolution <= 32:
        peers["torch twin surface"] = lambda: voxelize_surface_torch(
            vertices, faces, resolution
        )
    if importlib.util.find_spec("trimesh"):
        import trimesh

        mesh = trimesh.Trimesh(vertices.numpy(), faces.numpy(), process=False)
        if resolution <= 32:
            peers["trimesh voxelized + fill"] = lambda: mesh.voxelized(
                1 / resolution
            ).fill()
    scene = open3d_scene(vertices, faces)
    if scene is not None:
        axis = (np.arange(resolution, dtype=np.float32) + 0.5) / resolution - 0.5
        centres = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1)
        peers["open3d centres"] = lambda: scene.compute_occupancy(centres)
    return peers


def point_peers(vertices, faces, points) -> dict:
    peers = {
        "svr3d points_inside": lambda: points_inside(vertices, faces, points),
        "svr3d winding_number": lambda: winding_number(vertices, faces, points),
    }
    if len(faces) <= TWIN_FACES:
        few = points[:2000]
        peers["torch twin, 2k points"] = lambda: points_inside_torch(
            vertices, faces, few
        )
    scene = open3d_scene(vertices, faces)
    if scene is not None:
        query = points.numpy().astype(np.float32)
        peers["open3d occupancy"] = lambda: scene.compute_occupancy(query)
    return peers


def open3d_scene(vertices, faces):
    if not importlib.util.find_spec("open3d"):
        return None
    import open3d

    scene = open3d.t.geometry.RaycastingScene()
    scene.add_triangles(
        vertices.numpy().astype(np.float32), faces.numpy().astype(np.uint32)
    )
    return scene


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark."""
    arguments = parse(argv, __doc__.splitlines()[0])
    rows: list[dict] = []
    for name, (vertices, faces) in meshes(arguments.mesh).items():
        for resolution in (32, 128):
            peers = voxel_peers(vertices, faces, resolution)
            race(f"{name} {resolution}^3", peers, arguments.repeat, rows)
        peers = point_peers(vertices, faces, random_points(100_000, reach=0.55))
        race(f"{name} 100k points", peers, arguments.repeat, rows)
    return finish(arguments, rows)


if __name__ == "__main__":
    raise SystemExit(main())
