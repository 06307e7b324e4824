# SPDX-License-Identifier: Apache-2.0
"""Times the soft silhouette, and the neural mesh renderer beside it.

Example: python tests/benchmarks/bench_soft_silhouette.py --threads 1
"""

import torch
from harness import alternate, finish, parse
from torch import Tensor

from svr3d.geometry.template_meshes import icosphere
from svr3d.ops import neural_rasterize, soft_silhouette
from svr3d.ops._torch.soft_silhouette import soft_silhouette_torch

SETTINGS = {"sigma": 1e-4, "dist_eps": 1e-4}
BATCH = 8
TWIN_IMAGES = 1  # the dense formulation takes gigabytes beyond this


def spheres(batch: int) -> tuple[Tensor, Tensor]:
    """Deformed spheres in front of the camera, projected."""
    vertices, faces = map(torch.tensor, icosphere(3, project_each=True))
    generator = torch.Generator().manual_seed(0)
    stretch = 0.6 + 0.2 * torch.rand(batch, 1, 3, generator=generator)
    # Turned, since a sphere seen along an axis of symmetry has faces without area.
    turn = torch.linalg.qr(torch.randn(3, 3, generator=generator).double()).Q
    meshes = (vertices * stretch) @ turn
    meshes[..., :2] /= 1 + 0.2 * meshes[..., 2:]
    return meshes.float(), faces


def both_ways(run, meshes: Tensor):
    """Forward and backward against a target that the silhouette misses in part."""
    leaf = meshes.clone().requires_grad_()
    target = run(meshes).roll((9, 5), (1, 2)).detach()

    def call():
        leaf.grad = None
        (run(leaf) - target).square().sum().backward()
        return leaf.grad

    return call


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark."""
    arguments = parse(argv, __doc__.splitlines()[0])
    rows: list[dict] = []
    meshes, faces = spheres(BATCH)
    for size in (64, 256):

        def ours(v, size=size):
            return soft_silhouette(v, faces, image_size=size, **SETTINGS)

        def twin(v, size=size):
            plane = v[..., :2]
            lengths = torch.full((len(v),), len(faces))
            radius = (1e-4 * torch.log(torch.tensor(1e4 - 1))).sqrt().item()
            return 1 - soft_silhouette_torch(
                plane, faces[None], lengths, size, size, 1e-4, radius
            )

        def hard(v, size=size):
            settings = {"image_size": size, "eps": 1e-4, "anti_aliasing": False}
            v = v + torch.tensor([0.0, 0.0, 3.0])
            return neural_rasterize(v, faces, **settings).alpha

        def smooth(v, size=size):  # draws four times the pixels
            v = v + torch.tensor([0.0, 0.0, 3.0])
            return neural_rasterize(v, faces, image_size=size, eps=1e-4).alpha

        case = f"silhouette, {BATCH} x {size}^2"
        peers = {"svr3d soft": lambda f=ours: f(meshes)}
        peers["svr3d neural renderer"] = lambda f=hard: f(meshes)
        peers["the same, anti-aliased"] = lambda f=smooth: f(meshes)
        alternate(
            f"{case}, forward", peers, arguments.repeat, rows, threads=arguments.threads
        )
        peers = {"svr3d soft": both_ways(ours, meshes)}
        peers["svr3d neural renderer"] = both_ways(hard, meshes)
        peers["the same, anti-aliased"] = both_ways(smooth, meshes)
        alternate(
            f"{case}, both ways",
            peers,
            arguments.repeat,
            rows,
            threads=arguments.threads,
        )
        if size == 64:
            few = meshes[:TWIN_IMAGES]
            found, expected = both_ways(ours, few)(), both_ways(twin, few)()
            worst = (found - expected).abs().max() / expected.abs().max()
            print(f"gradients agree to {worst:.1e} of the largest")
            peers = {"svr3d soft": both_ways(ours, few)}
            peers["torch twin"] = both_ways(twin, few)
            alternate(
                f"silhouette, {TWIN_IMAGES} x {size}^2, both ways",
                peers,
                arguments.repeat,
                rows,
                threads=arguments.threads,
            )
    return finish(arguments, rows)


if __name__ == "__main__":
    raise SystemExit(main())
