# SPDX-License-Identifier: Apache-2.0
"""Times Chamfer distances and nearest neighbours against trees and torch.cdist.

Example: python tests/benchmarks/bench_nearest_neighbors.py --threads 1 --clock cpu
"""

import argparse
import importlib.util
import os

import numpy as np
import torch
from harness import CLOCKS, alternate, finish, parse

from svr3d.ops import chamfer_distance, nearest_neighbors

BATCH, TRAINING, EVALUATION = 32, 2500, 100_000


def sphere(batch: int, count: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    points = torch.randn(batch, count, 3, generator=generator)
    return points / points.norm(dim=-1, keepdim=True)


def trees() -> dict:
    """Name -> function of (queries, points) that returns indices."""
    found = {}
    if importlib.util.find_spec("pykdtree"):
        from pykdtree.kdtree import KDTree

        found["pykdtree"] = lambda q, p: KDTree(p).query(q)[1].astype(np.int64)
    if importlib.util.find_spec("scipy"):
        from scipy.spatial import cKDTree

        found["scipy"] = lambda q, p: cKDTree(p).query(q, workers=torch_threads())[1]
    for missing in {"pykdtree", "scipy"} - set(found):
        print(f"{missing}: not installed")
    return found


def torch_threads() -> int:
    return torch.get_num_threads()


def nearest_by(tree, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    pairs = zip(x.detach().numpy(), y.detach().numpy(), strict=True)
    return torch.stack([torch.from_numpy(tree(q, p)) for q, p in pairs])


def gathered(x: torch.Tensor, y: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
    partners = y.gather(1, indices[..., None].expand(-1, -1, 3))
    return (x - partners).square().sum(-1).mean()


def chamfer_by(tree):
    def run(x, y):
        forth, back = nearest_by(tree, x, y), nearest_by(tree, y, x)
        return gathered(x, y, forth) + gathered(y, x, back)

    return run


def chamfer_dense(x, y):
    distances = torch.cdist(x, y).square()
    return distances.amin(2).mean() + distances.amin(1).mean()


def chamfer(arguments: argparse.Namespace, rows: list[dict]) -> None:
    x, y = sphere(BATCH, TRAINING, 0), sphere(BATCH, TRAINING, 1)
    y = y * torch.tensor([1.0, 0.8, 0.6])
    forms = {"svr3d": chamfer_distance}
    forms |= {f"{name} + gather": chamfer_by(tree) for name, tree in trees().items()}
    if arguments.slow:
        forms["torch.cdist"] = chamfer_dense
    expected = chamfer_distance(x.double(), y.double())
    for name, form in forms.items():
        torch.testing.assert_close(form(x, y).double(), expected, rtol=1e-4, atol=0)
        print(f"{name}: agrees")

    def forward(form):
        return lambda: form(x, y)

    def both(form):
        def run():
            a, b = x.clone().requires_grad_(), y.clone().requires_grad_()
            form(a, b).backward()

        return run

    how = {"threads": arguments.threads, "clock": arguments.clock}
    for label, wrap in (("forward", forward), ("forward + backward", both)):
        peers = {name: wrap(form) for name, form in forms.items()}
        case = f"Chamfer {BATCH} x {TRAINING} {label}"
        alternate(case, peers, arguments.repeat, rows, **how)


def neighbours(arguments: argparse.Namespace, rows: list[dict]) -> None:
    generator = torch.Generator().manual_seed(2)
    surface = sphere(1, EVALUATION, 0)
    noise = 0.01 * torch.randn(1, EVALUATION, 3, generator=generator)
    near = sphere(1, EVALUATION, 1) + noise
    far = 2 * torch.rand(1, EVALUATION, 3, generator=generator) - 1
    how = {"threads": arguments.threads, "clock": arguments.clock}
    for label, cloud in (("near", near), ("far", far)):
        ours = nearest_neighbors(cloud, surface).squared_distances[..., 0]
        peers = {
            "svr3d": lambda cloud=cloud: (
                nearest_neighbors(cloud, surface),
                nearest_neighbors(surface, cloud),
            )
        }
        for name, tree in trees().items():
            indices = nearest_by(tree, cloud, surface)
            partners = surface.gather(1, indices[..., None].expand(-1, -1, 3))
            theirs = (cloud - partners).square().sum(-1)
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-9)
            print(f"{name}: agrees")
            peers[name] = lambda tree=tree, cloud=cloud: (
                nearest_by(tree, cloud, surface),
                nearest_by(tree, surface, cloud),
            )
        case = f"neighbours {EVALUATION} {label}, both ways"
        alternate(case, peers, arguments.repeat, rows, **how)


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--clock", choices=sorted(CLOCKS), default="wall")
    parser.add_argument("--slow", action="store_true", help="torch.cdist too")
    own, rest = parser.parse_known_args(argv)
    arguments = parse(rest, __doc__.splitlines()[0])
    arguments.clock, arguments.slow = own.clock, own.slow
    if os.environ.get("OMP_NUM_THREADS") != str(arguments.threads):
        print(f"Set OMP_NUM_THREADS={arguments.threads}: pykdtree obeys it alone.")
    rows: list[dict] = []
    chamfer(arguments, rows)
    neighbours(arguments, rows)
    return finish(arguments, rows)


if __name__ == "__main__":
    raise SystemExit(main())
