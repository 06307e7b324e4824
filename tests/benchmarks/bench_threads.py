# SPDX-License-Identifier: Apache-2.0
"""Times every op with one thread and with several, in turns, and prints the gain.

Answers must be the same bit for bit. Freed memory is kept, as the tools keep it.

Example: python tests/benchmarks/bench_threads.py --threads 2
"""

import statistics
import time

import torch
from bench_emd import clouds
from bench_marching_cubes import bumpy_ball
from bench_nearest_neighbors import sphere as random_sphere
from bench_soft_silhouette import SETTINGS, both_ways, spheres
from harness import finish, meshes, parse
from shapes import orbit, random_points, sphere

from svr3d import ops
from svr3d.engine.allocator import keep_freed_memory


def cloud_cases() -> dict:
    x, y = random_sphere(32, 2500, 0), random_sphere(32, 2500, 1)
    many, others = random_sphere(1, 100_000, 0), random_sphere(1, 100_000, 1)
    pairs = [cloud.repeat(8, 1, 1) for cloud in clouds(1024)["ellipsoid"]]
    eight = torch.rand(8, 2500, 3)
    splats, colors = 20 + 24 * torch.rand(32, 1024, 3), torch.rand(32, 1024, 3)

    def chamfer_both():
        leaf = x.clone().requires_grad_()
        ops.chamfer_distance(leaf, y).backward()
        return leaf.grad

    def splat_both(count):
        leaf = splats[:count].clone().requires_grad_()
        images = ops.splat_points(leaf, colors[:count], image_size=64)[:2]
        sum(image.square().sum() for image in images).backward()
        return leaf.grad

    return {
        "Chamfer 32 x 2,500, both ways": chamfer_both,
        "neighbours, 100k of 100k": lambda: ops.nearest_neighbors(many, others),
        "EMD, 8 x 1,024": lambda: ops.emd(*pairs),
        "farthest points, 512 of 8 x 2,500": lambda: ops.farthest_points(eight, 512),
        "splatting 4 clouds, both ways": lambda: splat_both(4),
        "splatting 32 clouds, both ways": lambda: splat_both(32),
    }


def image_cases() -> dict:
    projected, faces = spheres(8)
    cases = {}
    for size in (64, 256):

        def soft(v, size=size):
            return ops.soft_silhouette(v, faces, image_size=size, **SETTINGS)

        def hard(v, size=size):
            v = v + torch.tensor([0.0, 0.0, 3.0])
            return ops.neural_rasterize(v, faces, image_size=size, eps=1e-4).alpha

        cases[f"soft silhouette {size}^2, both ways"] = both_ways(soft, projected)
        cases[f"neural renderer {size}^2, both ways"] = both_ways(hard, projected)
    return cases


def volume_cases() -> dict:
    volume = bumpy_ball(256)[None]
    vertices, faces = sphere(0.48, 23)
    batch = torch.stack([vertices * scale for scale in torch.linspace(0.7, 1, 16)])
    return {
        "marching cubes 256^3": lambda: ops.marching_cubes(volume),
        "inside voxels 32^3, 16 meshes of 2,024 faces": lambda: ops.voxelize_meshes(
            batch, faces, 32, mode="inside"
        ),
    }


def mesh_cases(vertices, faces) -> dict:
    points = random_points(100_000, reach=0.55)
    opened = faces[len(faces) // 20 :]
    v32, q32 = vertices.float(), points.float()
    cameras = orbit(24, 137, 137)
    cases = {
        "24 views of 137^2": lambda: ops.rasterize_meshes(
            v32, faces, *cameras, height=137, width=137
        ),
        "inside by parity": lambda: ops.points_in_mesh(v32, faces, q32),
        "winding numbers": lambda: ops.winding_number(vertices, faces, points),
        "winding numbers, opened": lambda: ops.winding_number(vertices, opened, points),
        "points_inside": lambda: ops.points_inside(vertices, faces, points),
        "100k samples": lambda: ops.sample_surface(v32, faces, 100_000),
    }
    for mode in ("parity", "inside", "surface"):
        cases |= {
            f"{mode} voxels {size}^3": lambda mode=mode, size=size: ops.voxelize_meshes(
                vertices, faces, size, mode=mode
            )
            for size in (32, 128)
        }
    return cases


def tensors_of(answer) -> list[torch.Tensor]:
    if isinstance(answer, torch.Tensor):
        return [answer]
    return [tensor for part in answer for tensor in tensors_of(part)]


def compare(case: str, call, threads: int, repeat: int, rows: list[dict]) -> None:
    """Times one case; the gain is that of the medians."""
    answers, times = {}, {1: [], threads: []}
    for count in times:
        torch.set_num_threads(count)
        answers[count] = tensors_of(call())
    for one, other in zip(answers[1], answers[threads], strict=True):
        if not torch.equal(one, other):
            raise RuntimeError(f"{case}: the answer depends on the number of threads")
    for _ in range(repeat):
        for count, taken in times.items():
            torch.set_num_threads(count)
            call()  # wakes the threads
            for _ in range(3):
                start = time.perf_counter()
                call()
                taken.append(time.perf_counter() - start)
    one, several = (statistics.median(times[count]) for count in (1, threads))
    gain, least = one / several, min(times[1]) / min(times[threads])
    rows.append({"case": case, "ms": 1e3 * one, "gain": gain, "gain_of_least": least})
    print(
        f"{case:52} {1e3 * one:9.3f} ms  {gain:5.2f}x  least {least:5.2f}x", flush=True
    )


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark."""
    arguments = parse(argv, __doc__.splitlines()[0])
    print(keep_freed_memory())
    cases = cloud_cases() | image_cases() | volume_cases()
    for name, mesh in meshes(arguments.mesh).items():
        own = mesh_cases(*mesh).items()
        cases |= {f"{case}, {name}": call for case, call in own}
    rows: list[dict] = []
    for case, call in cases.items():
        compare(case, call, max(2, arguments.threads), arguments.repeat, rows)
    return finish(arguments, rows)


if __name__ == "__main__":
    raise SystemExit(main())
