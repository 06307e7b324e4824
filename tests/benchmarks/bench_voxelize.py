# SPDX-License-Identifier: Apache-2.0
"""Times voxelisation and inside tests against other libraries, in turns.

Every peer builds what it needs within the timed call, and what they answer is compared
first. Ratios are to the first row of a case. Peers that are not installed are named.

Example: python tests/benchmarks/bench_voxelize.py --threads 1 --json voxelize.json
"""

import importlib.util

import numpy as np
import torch
from harness import alternate, finish, meshes, parse
from shapes import random_points

from svr3d.ops import points_in_mesh, points_inside, voxelize_meshes, winding_number

PEERS = ("open3d", "point_cloud_utils", "igl")
ALLOWED = 1e-4  # share of answers that may differ: points on the surface


def occupancy_peers(vertices, faces, points, threads: int) -> dict:
    """Inside tests of other libraries, each from arrays to a Boolean array."""
    peers = {}
    v32, q32 = vertices.numpy().astype(np.float32), points.numpy().astype(np.float32)
    f32 = faces.numpy().astype(np.int32)
    if importlib.util.find_spec("open3d"):
        import open3d

        def cast():
            scene = open3d.t.geometry.RaycastingScene(nthreads=threads)
            scene.add_triangles(v32, f32.astype(np.uint32))
            query = open3d.core.Tensor(q32)
            return scene.compute_occupancy(query, nthreads=threads).numpy() > 0.5

        peers["open3d occupancy"] = cast
    if importlib.util.find_spec("point_cloud_utils"):
        import point_cloud_utils

        wind = point_cloud_utils.triangle_soup_fast_winding_number
        peers["point-cloud-utils winding"] = lambda: wind(v32, f32, q32) > 0.5
    if importlib.util.find_spec("igl"):
        import igl

        arrays = (vertices.numpy(), faces.numpy(), points.numpy())
        peers["libigl winding"] = lambda: igl.fast_winding_number(*arrays) > 0.5
    return peers


def voxel_peers(vertices, faces, resolution: int, threads: int) -> dict:
    axis = (np.arange(resolution) + 0.5) / resolution - 0.5
    centres = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)

    def ours(mode):
        def run():
            return voxelize_meshes(vertices, faces, resolution, mode=mode)

        return run

    peers = {f"svr3d {mode}": ours(mode) for mode in ("parity", "inside", "surface")}
    others = occupancy_peers(vertices, faces, torch.from_numpy(centres), threads)
    if resolution > 32:  # seconds to minutes
        others = {name: peer for name, peer in others.items() if "open3d" in name}
    return peers | others | filled_peers(vertices, faces, resolution)


def filled_peers(vertices, faces, resolution: int) -> dict:
    """Solid grids by the cells that the surface touches and a flood from outside."""
    if not importlib.util.find_spec("point_cloud_utils"):
        return {}
    import point_cloud_utils

    v32, f32 = vertices.numpy().astype(np.float32), faces.numpy().astype(np.int32)
    edge, corner = 1 / resolution, np.full(3, -0.5, np.float32)

    def run():
        cells = point_cloud_utils.voxelize_triangle_mesh(v32, f32, edge, corner)
        grid = np.zeros((resolution + 2,) * 3, np.int32)
        grid[tuple(cells.T + 1)] = 1
        outside = point_cloud_utils.flood_fill_3d(grid, np.zeros(3, np.int32), 2)
        return outside[1:-1, 1:-1, 1:-1] != 2

    return {"point-cloud-utils, filled": run}


def point_peers(vertices, faces, points, threads: int) -> dict:
    v32, q32 = vertices.float(), points.float()
    return {
        "svr3d parity float32": lambda: points_in_mesh(v32, faces, q32),
        "svr3d parity float64": lambda: points_in_mesh(vertices, faces, points),
        "svr3d published hash": lambda: points_in_mesh(
            vertices, faces, points, rule="hash"
        ),
        "svr3d winding": lambda: winding_number(vertices, faces, points) > 0.5,
        "svr3d points_inside": lambda: points_inside(vertices, faces, points),
    } | occupancy_peers(vertices, faces, points, threads)


def check_agreement(case: str, peers: dict) -> None:
    """Raises RuntimeError unless all peers answer alike, but for points on surfaces."""
    first, expected = None, None
    for name, peer in peers.items():
        if "surface" in name or "filled" in name:  # touched cells count there
            continue
        found = np.asarray(peer()).reshape(-1).astype(bool)
        if expected is None:
            first, expected = name, found
        share = (found != expected).mean()
        if share > ALLOWED:
            raise RuntimeError(f"{case}: {name} differs from {first} in {share:.2%}")


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark."""
    arguments = parse(argv, __doc__.splitlines()[0])
    rows: list[dict] = []
    for peer in PEERS:
        if not importlib.util.find_spec(peer):
            print(f"{peer} is not installed: left out")
    threads = arguments.threads
    points = random_points(100_000, reach=0.55)
    for name, (vertices, faces) in meshes(arguments.mesh).items():
        cases = {
            f"{name} {size}^3": voxel_peers(vertices, faces, size, threads)
            for size in (32, 128)
        }
        open_faces = faces[len(faces) // 20 :]
        cases[f"{name} 100k points"] = point_peers(vertices, faces, points, threads)
        peers = point_peers(vertices, open_faces, points, threads)
        kept = ("svr3d winding", "point-cloud-utils winding", "libigl winding")
        cases[f"{name} opened, 100k points"] = {
            peer: peers[peer] for peer in kept if peer in peers
        }
        for case, peers in cases.items():
            if not arguments.mesh:  # files may be open, where the rules differ
                check_agreement(case, peers)
            alternate(case, peers, arguments.repeat, rows, threads=threads)
    return finish(arguments, rows)


if __name__ == "__main__":
    raise SystemExit(main())
