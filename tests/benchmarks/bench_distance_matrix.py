# SPDX-License-Identifier: Apache-2.0
"""Times the Chamfer matrix of many shapes against KD-trees that are built once.

A block of the matrix (``--shapes`` rows by as many columns) is timed, all its pairs in
both directions, and the whole matrix of ``--total`` shapes extrapolated: half of
N (N - 1) pairs. Peers build one tree per cloud outside the timed part, which favours
them, and share the pairs among ``--threads`` threads.

Example: python tests/benchmarks/bench_distance_matrix.py --threads 2
"""

import argparse
import importlib.util
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from harness import CLOCKS, alternate, finish, parse

from svr3d.analysis.dispersion.distance_matrix import cloud_distances_matrix
from svr3d.analysis.dispersion.k_medoids import k_medoids


def shapes(count: int, points: int) -> np.ndarray:
    """Samples of ellipsoids with bumps, of different proportions."""
    random = np.random.RandomState(0)
    clouds = random.randn(count, points, 3)
    clouds /= np.linalg.norm(clouds, axis=2, keepdims=True)
    waves = 1 + 0.15 * np.sin(random.uniform(2, 9, (count, 1, 3)) * clouds)
    clouds = clouds * waves * random.uniform(0.3, 1, (count, 1, 3))
    clouds -= clouds.mean(axis=1, keepdims=True)
    clouds /= np.linalg.norm(clouds, axis=2).max(axis=1)[:, None, None]
    return clouds.astype(np.float32)


def trees(threads: int) -> dict:
    """Name -> (build a tree of a cloud, squared distances of queries to it)."""
    found = {}
    if importlib.util.find_spec("scipy"):
        from scipy.spatial import cKDTree

        found["scipy cKDTree"] = (
            cKDTree,
            lambda tree, queries: np.square(tree.query(queries)[0]),
        )
    if importlib.util.find_spec("pykdtree"):
        from pykdtree.kdtree import KDTree

        found["pykdtree"] = (
            KDTree,
            lambda tree, queries: tree.query(queries, sqr_dists=True)[0],
        )
    return found


def matrix_by(clouds, built, query, threads: int) -> np.ndarray:
    """The matrix by trees of all clouds, its pairs shared among threads."""
    size = len(clouds)
    matrix = np.zeros((size, size), np.float32)

    def fill(i: int) -> None:
        for j in range(i + 1, size):
            forth, back = query(built[j], clouds[i]), query(built[i], clouds[j])
            matrix[i, j] = matrix[j, i] = forth.mean() + back.mean()

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(fill, range(size)))
    return matrix


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--clock", choices=sorted(CLOCKS), default="wall")
    parser.add_argument("--shapes", type=int, default=32, help="of the timed part")
    parser.add_argument("--total", type=int, default=1000)
    parser.add_argument("--points", type=int, default=2500)
    parser.add_argument("--clusters", type=int, default=4000, help="N of k-medoids")
    own, rest = parser.parse_known_args(argv)
    arguments = parse(rest, __doc__.splitlines()[0])
    threads = arguments.threads
    clouds = shapes(own.shapes, own.points)
    reference = cloud_distances_matrix(clouds)
    peers = {"svr3d": lambda: cloud_distances_matrix(clouds)}
    for name, (build, query) in trees(threads).items():
        built = [build(cloud) for cloud in clouds]

        def run(built=built, query=query):
            return matrix_by(clouds, built, query, threads)

        np.testing.assert_allclose(run(), reference, rtol=1e-4, atol=1e-7)
        print(f"{name}: agrees")
        peers[name] = run
    rows: list[dict] = []
    pairs = own.shapes * (own.shapes - 1) // 2
    case = f"{pairs} of the pairs of {own.total} x {own.points}"
    how = {"threads": threads, "clock": own.clock}
    alternate(case, peers, arguments.repeat, rows, **how)
    for row in rows:
        for total in (own.total, 35_000):
            seconds = row["ms"] / 1e3 / pairs * total * (total - 1) / 2
            row[f"hours_for_{total}"] = seconds / 3600
            print(
                f"{row['peer']:16} {row['ms'] / pairs:7.3f} ms per pair, "
                f"{total} shapes: {seconds / 60:10.1f} min"
            )
    clusterings(own.clusters, arguments.repeat, rows, how)
    return finish(arguments, rows)


def clusterings(size: int, repeat: int, rows: list[dict], how: dict) -> None:
    """K-medoids, k = 500, on a mapped matrix of ``size`` samples."""
    features = torch.randn(size, 8, generator=torch.Generator().manual_seed(0))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "distances.npy"
        np.save(path, torch.cdist(features, features).square().numpy())
        mapped = np.load(path, mmap_mode="r")
        peers = {"svr3d": lambda: k_medoids(mapped, 500, seed=1)}
        case = f"k-medoids, k 500, of {size}"
        alternate(case, peers, repeat, rows, **how)


if __name__ == "__main__":
    raise SystemExit(main())
