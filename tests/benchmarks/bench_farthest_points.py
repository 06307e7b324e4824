# SPDX-License-Identifier: Apache-2.0
"""Times farthest-point sampling against the torch twin and open3d.

Example: python tests/benchmarks/bench_farthest_points.py --threads 1
"""

import importlib.util

import torch
from harness import alternate, finish, parse

from svr3d.ops import farthest_points
from svr3d.ops._torch.farthest_points import farthest_points_torch


def peers_of(points: torch.Tensor, count: int) -> dict:
    lengths = torch.full(points.shape[:1], points.shape[1])
    peers = {
        "svr3d": lambda: farthest_points(points, count),
        "torch twin": lambda: farthest_points_torch(points, lengths, count, 0),
    }
    if importlib.util.find_spec("open3d"):
        import open3d

        clouds = []
        for cloud in points.double().numpy():
            vector = open3d.utility.Vector3dVector(cloud)
            clouds.append(open3d.geometry.PointCloud(vector))
        peers["open3d"] = lambda: [c.farthest_point_down_sample(count) for c in clouds]
    else:
        print("open3d: not installed")
    return peers


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark."""
    arguments = parse(argv, __doc__.splitlines()[0])
    generator = torch.Generator().manual_seed(0)
    rows: list[dict] = []
    for batch, size, count in ((8, 2500, 512), (1, 20_000, 1024)):
        points = torch.rand(batch, size, 3, generator=generator)
        peers = peers_of(points, count)
        if not torch.equal(peers["svr3d"](), peers["torch twin"]()):
            raise SystemExit("picked points differ from the twin's")
        case = f"{count} of {batch} x {size}"
        alternate(case, peers, arguments.repeat, rows, threads=arguments.threads)
    return finish(arguments, rows)


if __name__ == "__main__":
    raise SystemExit(main())
