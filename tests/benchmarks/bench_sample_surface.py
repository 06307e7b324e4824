# SPDX-License-Identifier: Apache-2.0
"""Times 100,000 surface samples with normals against other libraries.

Example: python tests/benchmarks/bench_sample_surface.py --threads 1
"""

import importlib.util

import numpy as np
import torch
from harness import alternate, finish, meshes, parse

from svr3d.ops import sample_surface

COUNT = 100_000


def by_multinomial(vertices, faces):
    a, b, c = vertices[faces].unbind(1)
    normals = torch.linalg.cross(b - a, c - a)
    areas = normals.norm(dim=1)
    index = torch.multinomial(areas, COUNT, replacement=True)
    root, share = torch.rand(COUNT, 1).sqrt(), torch.rand(COUNT, 1)
    points = (1 - root) * a[index] + root * ((1 - share) * b[index] + share * c[index])
    return points, normals[index] / areas[index, None]


def peers_of(vertices, faces) -> dict:
    vertices = vertices.float()
    peers = {
        "svr3d": lambda: sample_surface(vertices, faces, COUNT)[:2],
        "torch multinomial": lambda: by_multinomial(vertices, faces),
    }
    if importlib.util.find_spec("open3d"):
        import open3d

        mesh = open3d.geometry.TriangleMesh(
            open3d.utility.Vector3dVector(vertices.double().numpy()),
            open3d.utility.Vector3iVector(faces.numpy().astype(np.int32)),
        )
        mesh.compute_triangle_normals()

        def sampled():
            cloud = mesh.sample_points_uniformly(COUNT, use_triangle_normal=True)
            return np.asarray(cloud.points), np.asarray(cloud.normals)

        peers["open3d"] = sampled
    else:
        print("open3d: not installed")
    return peers


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark."""
    arguments = parse(argv, __doc__.splitlines()[0])
    rows: list[dict] = []
    for name, mesh in meshes(arguments.mesh).items():
        peers = peers_of(*mesh)
        means = [torch.as_tensor(run()[0]).double().mean(0) for run in peers.values()]
        if max(float((mean - means[0]).norm()) for mean in means) > 0.02:
            raise SystemExit(f"{name}: centres of the samples differ: {means}")
        alternate(name, peers, arguments.repeat, rows, threads=arguments.threads)
    return finish(arguments, rows)


if __name__ == "__main__":
    raise SystemExit(main())
