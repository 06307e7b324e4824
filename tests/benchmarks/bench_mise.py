# SPDX-License-Identifier: Apache-2.0
"""Times the book-keeping of multi-resolution extraction, the field's time apart.

Example: python tests/benchmarks/bench_mise.py
"""

import torch
from harness import alternate, finish, parse

from svr3d.ops import evaluate_grids


def bumpy_ball(points: torch.Tensor) -> torch.Tensor:
    x, y, z = (points.float() / 64 - 1).mul(1.1).unbind(1)
    bumps = 0.08 * torch.sin(6 * x) * torch.sin(5 * y) * torch.sin(7 * z)
    return 0.7 + bumps - (x * x + y * y + z * z).sqrt()


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark."""
    arguments = parse(argv, __doc__.splitlines()[0])
    axis = torch.arange(129)
    dense = bumpy_ball(torch.cartesian_prod(axis, axis, axis)).reshape(129, 129, 129)
    asked: list[torch.Tensor] = []

    def looked_up(_: int, points: torch.Tensor) -> torch.Tensor:
        asked.append(points)
        return dense[tuple(points.T)]

    grid = evaluate_grids(looked_up, 32, 2, 0.0)[0]
    if not torch.equal(grid > 0, dense.double() > 0):
        raise SystemExit("signs of the refined grid differ from the dense one's")
    queries = list(asked)
    print(f"{sum(map(len, queries))} points in {len(queries)} rounds")

    def field_alone():
        for points in queries:
            dense[tuple(points.T)]

    rows: list[dict] = []
    peers = {
        "svr3d with a table as field": lambda: evaluate_grids(looked_up, 32, 2, 0.0),
        "of which the field": field_alone,
    }
    repeat, threads = arguments.repeat, arguments.threads
    alternate("MISE 32 to 128", peers, repeat, rows, threads=threads)
    return finish(arguments, rows)


if __name__ == "__main__":
    raise SystemExit(main())
