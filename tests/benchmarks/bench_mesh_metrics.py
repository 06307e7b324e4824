# SPDX-License-Identifier: Apache-2.0
"""Times the evaluation of meshes by 100,000 points against the published program's way.

The peer takes one KD-tree per direction (pykdtree, which uses all threads in queries),
as the published program does; its inside test is ours, which is faster than the
program's, so that the ratios understate. Example:
python tests/benchmarks/bench_mesh_metrics.py --threads 2 --mesh chair.obj
"""

import numpy as np
import torch
from harness import alternate, finish, meshes, parse
from plain_mesh_evaluation import evaluate, sample

from svr3d.metrics import MeshDistances, PointIoU
from svr3d.ops import points_in_mesh, sample_surface
from svr3d.structures import Mesh

POINTS, BATCH = 100_000, 2


def make_object(vertices, faces):
    """A prediction a little off its target, and the target's points."""
    moved = vertices.float() * 1.02 + 0.005
    target, normals = sample_surface(vertices.float(), faces, POINTS, seed=7)[:2]
    points = 1.1 * (torch.rand(POINTS, 3) - 0.5)
    labels = points_in_mesh(vertices, faces, points).float()
    return moved, faces, target, normals, points, labels


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark."""
    arguments = parse(argv, __doc__.splitlines()[0])
    rows: list[dict] = []
    for name, mesh in meshes(arguments.mesh).items():
        moved, faces, target, normals, points, labels = make_object(*mesh)
        batch = {
            "surface_points": target.expand(BATCH, -1, -1),
            "surface_normals": normals.expand(BATCH, -1, -1),
            "points_iou": points.expand(BATCH, -1, -1),
            "occupancies_iou": labels.expand(BATCH, -1),
            "category": [0] * BATCH,
            "sample_id": [f"a/{index}" for index in range(BATCH)],
        }
        prediction = list(Mesh([moved] * BATCH, [faces] * BATCH))
        arrays = [part.numpy() for part in (moved, faces, target, normals)]

        def published(arrays=arrays, with_f_scores=True):
            random = np.random.default_rng(0)
            for _ in range(BATCH):
                drawn = sample(*arrays[:2], POINTS, random)
                found = evaluate(*drawn, *arrays[2:], with_f_scores=with_f_scores)
            return found

        def published_with_iou(moved=moved, faces=faces, points=points, run=published):
            for _ in range(BATCH):
                points_in_mesh(moved, faces, points, rule="hash")
            return run()

        def ours(batch=batch, prediction=prediction):
            metric = MeshDistances(POINTS)
            metric.process(batch, prediction)
            return metric.evaluate(BATCH)

        def ours_with_iou(batch=batch, prediction=prediction, run=ours):
            metric = PointIoU(source="mesh")
            metric.process(batch, prediction)
            return run() | metric.evaluate(BATCH)

        theirs, own = published(), ours()
        for key, value in theirs.items():
            if not np.isclose(value, own[f"mesh/{key}"], rtol=0.02):
                raise SystemExit(f"{key}: {value} and {own[f'mesh/{key}']}")
        for case, peers in {
            f"{name}, distances": {"svr3d": ours, "published, F-scores": published}
            | {"published": lambda run=published: run(with_f_scores=False)},
            f"{name}, distances and IoU": {
                "svr3d": ours_with_iou,
                "published, F-scores": published_with_iou,
            },
        }.items():
            before = len(rows)
            repeat, threads = arguments.repeat, arguments.threads
            alternate(case, peers, repeat, rows, threads=threads)
            for row in rows[before:]:
                row["objects_per_second"] = 1e3 * BATCH / row["ms"]
                print(f"{row['peer']:28} {row['objects_per_second']:8.2f} objects/s")
    return finish(arguments, rows)


if __name__ == "__main__":
    raise SystemExit(main())
