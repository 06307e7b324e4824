# SPDX-License-Identifier: Apache-2.0
"""Times point splatting against the dense formulation in torch.

Example: python tests/benchmarks/bench_splat_points.py --threads 1
"""

import torch
from harness import alternate, finish, parse

from svr3d.ops import splat_points
from svr3d.ops._torch.splat_points import (
    splat_features_torch,
    splat_silhouettes_torch,
)

CLOUDS, POINTS, SIZE = 32, 1024, 64
FEW = 4  # the dense formulation holds several (B, N, H, W) tensors at once


def dense_silhouettes(points: torch.Tensor) -> torch.Tensor:
    """The published form: a Gaussian of every point at every pixel."""
    axis = torch.arange(SIZE).to(points)
    rows = (points[..., 0, None, None] - axis[:, None]).square()
    columns = (points[..., 1, None, None] - axis).square()
    return torch.tanh(torch.exp(-1.25 * (rows + columns)).sum(1))


def dense(points, features):
    lengths = torch.full((len(points),), points.shape[1])
    image, _ = splat_features_torch(points, features, lengths, SIZE, SIZE, 1.0, 100.0)
    return dense_silhouettes(points), image


def separable(points, features):
    lengths = torch.full((len(points),), points.shape[1])
    return (splat_silhouettes_torch(points, lengths, SIZE, SIZE, 1.25, 4.3),)


def ours(points, features):
    return splat_points(points, features, image_size=SIZE)[:2]


def silhouettes(points, features):
    return (splat_points(points, image_size=SIZE).silhouette,)


def both_ways(run, points, features):
    leaves = [t.clone().requires_grad_() for t in (points, features)]

    def call():
        for leaf in leaves:
            leaf.grad = None
        sum(image.square().sum() for image in run(*leaves)).backward()
        return leaves[0].grad

    return call


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark."""
    arguments = parse(argv, __doc__.splitlines()[0])
    rows: list[dict] = []
    generator = torch.Generator().manual_seed(0)
    points = torch.randn(CLOUDS, POINTS, 3, generator=generator) * 9 + SIZE / 2
    points[..., 2] = torch.rand(CLOUDS, POINTS, generator=generator) + 2
    features = torch.rand(CLOUDS, POINTS, 3, generator=generator)
    few = (points[:FEW], features[:FEW])
    found, expected = both_ways(ours, *few)(), both_ways(dense, *few)()
    worst = (found - expected).abs().max() / expected.abs().max()
    print(f"gradients agree to {worst:.1e} of the largest")
    case = f"{FEW} x {POINTS} points, {SIZE}^2, both ways"
    peers = {"svr3d": both_ways(ours, *few), "dense torch": both_ways(dense, *few)}
    alternate(case, peers, arguments.repeat, rows, threads=arguments.threads)
    case = f"{CLOUDS} x {POINTS} points, {SIZE}^2"
    peers = {"svr3d": both_ways(ours, points, features)}
    alternate(
        f"{case}, both ways", peers, arguments.repeat, rows, threads=arguments.threads
    )
    peers = {
        "svr3d": both_ways(silhouettes, points, features),
        "torch matrix product": both_ways(separable, points, features),
    }
    alternate(
        f"{case}, silhouettes", peers, arguments.repeat, rows, threads=arguments.threads
    )
    return finish(arguments, rows)


if __name__ == "__main__":
    raise SystemExit(main())
