# SPDX-License-Identifier: Apache-2.0
"""Times 100,000 point-to-mesh distances, near the surface and everywhere, with peers.

Example: python tests/benchmarks/bench_point_mesh_distance.py --threads 1
"""

import importlib.util

import numpy as np
import torch
from harness import alternate, finish, meshes, parse
from shapes import random_points

from svr3d.ops import point_mesh_distance, sample_surface

COUNT = 100_000


def peers_of(vertices, faces, points, threads) -> dict:
    arrays = [points.double().numpy(), vertices.double().numpy(), faces.numpy()]
    peers = {"svr3d": lambda: point_mesh_distance(points, vertices, faces)[:3]}
    if importlib.util.find_spec("open3d"):
        import open3d

        mesh = open3d.t.geometry.TriangleMesh(
            open3d.core.Tensor(arrays[1].astype(np.float32)),
            open3d.core.Tensor(arrays[2].astype(np.int32)),
        )
        queries = open3d.core.Tensor(arrays[0].astype(np.float32))

        def by_open3d():
            scene = open3d.t.geometry.RaycastingScene(nthreads=threads)
            scene.add_triangles(mesh)
            found = scene.compute_closest_points(queries, nthreads=threads)
            squares = ((found["points"].numpy() - queries.numpy()) ** 2).sum(1)
            return squares, found["primitive_ids"].numpy()

        peers["open3d"] = by_open3d
    if importlib.util.find_spec("igl"):
        import igl

        peers["libigl"] = lambda: igl.point_mesh_squared_distance(*arrays)
    if importlib.util.find_spec("point_cloud_utils"):
        import point_cloud_utils

        def by_point_cloud_utils():
            found = point_cloud_utils.closest_points_on_mesh(*arrays)
            return found[0] ** 2, *found[1:]

        peers["point_cloud_utils"] = by_point_cloud_utils
    if importlib.util.find_spec("trimesh") and importlib.util.find_spec("rtree"):
        import trimesh

        mesh_of = trimesh.Trimesh(arrays[1], arrays[2], process=False)

        def by_trimesh():
            _, distances, index = trimesh.proximity.closest_point(mesh_of, arrays[0])
            return distances**2, index

        peers["trimesh"] = by_trimesh
    return peers


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark."""
    arguments = parse(argv, __doc__.splitlines()[0])
    rows: list[dict] = []
    for name, (vertices, faces) in meshes(arguments.mesh).items():
        vertices = vertices.float()
        drawn = sample_surface(vertices, faces, COUNT).points
        cases = {
            "near": drawn + 0.01 * torch.randn(COUNT, 3),
            "everywhere": random_points(COUNT, reach=0.55).float(),
        }
        for case, points in cases.items():
            peers = peers_of(vertices, faces, points, arguments.threads)
            found = [torch.as_tensor(run()[0]).double() for run in peers.values()]
            worst = max(float((one - found[0]).abs().max()) for one in found)
            if worst > 1e-5:
                raise SystemExit(f"{name}, {case}: squares differ by {worst:.1e}")
            case = f"{name}, {case}"
            # Some peers take all cores whatever they are told: CPU time is fair.
            alternate(
                case,
                peers,
                arguments.repeat,
                rows,
                threads=arguments.threads,
                clock="cpu",
            )
    return finish(arguments, rows)


if __name__ == "__main__":
    raise SystemExit(main())
