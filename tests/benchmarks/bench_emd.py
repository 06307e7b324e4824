# SPDX-License-Identifier: Apache-2.0
"""Times the earth mover distance against exact solvers, and states its error.

Example: python tests/benchmarks/bench_emd.py --threads 1 --clock cpu
"""

import argparse
import importlib.util

import numpy as np
import torch
from harness import CLOCKS, alternate, finish, parse
from scipy.optimize import linear_sum_assignment

from svr3d.ops import emd, match_points


def clouds(count: int) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    generator = torch.Generator().manual_seed(0)

    def sphere():
        points = torch.randn(1, count, 3, generator=generator)
        return points / points.norm(dim=-1, keepdim=True)

    def cube():
        return torch.rand(1, count, 3, generator=generator)

    ellipsoid = sphere() * torch.tensor([1.0, 0.6, 0.4])
    return {"ellipsoid": (sphere(), ellipsoid), "cube": (cube(), cube())}


def costs(x: torch.Tensor, y: torch.Tensor) -> np.ndarray:
    mode = "donot_use_mm_for_euclid_dist"
    return torch.cdist(x[0].double(), y[0].double(), compute_mode=mode).numpy()


def scipy_emd(x, y):
    matrix = costs(x, y)
    return matrix[linear_sum_assignment(matrix)].mean()


def pot_emd(x, y):
    import ot

    weights = np.full(x.shape[1], 1 / x.shape[1])
    return ot.emd2(weights, weights, costs(x, y), numItermax=10**7)


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--clock", choices=sorted(CLOCKS), default="wall")
    parser.add_argument("--slow", action="store_true", help="scipy's solver too")
    own, rest = parser.parse_known_args(argv)
    arguments = parse(rest, __doc__.splitlines()[0])
    how = {"threads": arguments.threads, "clock": own.clock}
    solvers = {"svr3d": emd}
    if importlib.util.find_spec("ot"):
        solvers["POT network simplex"] = pot_emd
    else:
        print("POT: not installed")
    if own.slow:
        solvers["scipy"] = scipy_emd
    rows: list[dict] = []
    for count in (1024, 2048):
        for kind, (x, y) in clouds(count).items():
            exact, ours = scipy_emd(x, y), emd(x.double(), y.double()).item()
            match = match_points(x, y)[0]
            assert torch.equal(match.sort().values, torch.arange(count))
            assert exact * (1 - 1e-6) <= ours <= exact * (1 + 5e-4)
            print(f"{kind} {count}: error {100 * (ours / exact - 1):.4f} %")
            peers = {name: lambda f=f, x=x, y=y: f(x, y) for name, f in solvers.items()}
            alternate(f"EMD {count} {kind}", peers, arguments.repeat, rows, **how)
    one = clouds(1024)["ellipsoid"]
    batch = [cloud.repeat(8, 1, 1) for cloud in one]
    peers = {"svr3d": lambda: emd(*batch)}
    alternate("EMD 8 x 1024", peers, arguments.repeat, rows, **how)
    return finish(arguments, rows)


if __name__ == "__main__":
    raise SystemExit(main())
