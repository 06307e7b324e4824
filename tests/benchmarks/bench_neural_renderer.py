# SPDX-License-Identifier: Apache-2.0
"""Times the neural mesh renderer as a part, and its share of a training step.

Sixteen deformed spheres of 642 vertices, silhouettes of 64 pixels, anti-aliased, camera
included: against the soft rasteriser, which has four times the pixels too, and, forward
alone, against rays that open3d (if installed) casts through the same pixels. Renderers
that run on CPUs elsewhere are in docs/benchmarks.md. Then a step of 3D-AE-featGAN with
the networks of its config, and what its renderer and losses take of it.

Example: python tests/benchmarks/bench_neural_renderer.py --threads 2 --batch 128
"""

import argparse
import sys

import numpy as np
import torch
from bench_soft_silhouette import both_ways
from harness import CLOCKS, alternate, finish, parse
from mmengine.config import Config
from mmengine.registry import MODELS
from torch import Tensor

from svr3d.engine.config import config_folder
from svr3d.geometry.template_meshes import icosphere
from svr3d.models.layers.data_width import open_widths
from svr3d.registry import import_parts
from svr3d.renderers import MeshViews, NeuralMeshRenderer, SoftMeshRenderer

BATCH, SIZE, VIEWS = 16, 64, 24


def deformed_spheres(count: int) -> tuple[Tensor, Tensor]:
    """Meshes (B, 642, 3) in the object frame and their faces."""
    vertices, faces = icosphere(3, project_each=True)
    generator = torch.Generator().manual_seed(0)
    points = torch.tensor(vertices, dtype=torch.float32)
    stretch = 0.25 + 0.2 * torch.rand(count, 1, 3, generator=generator)
    bumps = 1 + 0.1 * torch.sin(7 * points[:, :1] + 5 * points[:, 1:2])
    return points * bumps * stretch, torch.tensor(faces)


def published_views(count: int) -> MeshViews:
    """One of the 24 published views of each mesh."""
    azimuth = -360.0 / VIEWS * (torch.arange(count) % VIEWS)
    rest = torch.tensor([30.0, 2.732]).expand(count, 2)
    return MeshViews(torch.cat([azimuth[:, None], rest], dim=1)[:, None])


def ray_caster(meshes: Tensor, faces: Tensor, views: MeshViews):
    """A function that tells by open3d which of the same pixels are covered."""
    import open3d

    side = 2 * SIZE
    corners = NeuralMeshRenderer(SIZE).project(meshes, views)
    # In image coordinates, pixel for pixel along the depth.
    place = ((2 * torch.arange(side) + 1 - side) / side).expand(side, side)
    origin = torch.stack([place, -place.T, torch.zeros(side, side)], dim=-1)
    ahead = torch.tensor([0.0, 0.0, 1.0]).expand(side, side, 3)
    rays = open3d.core.Tensor(torch.cat([origin, ahead], dim=-1).numpy())
    triangles = open3d.core.Tensor(faces.numpy().astype(np.uint32))

    def call():
        images = []
        for points in corners:
            scene = open3d.t.geometry.RaycastingScene()
            scene.add_triangles(open3d.core.Tensor(points.numpy()), triangles)
            hit = scene.cast_rays(rays)["t_hit"].numpy()
            images.append(torch.from_numpy(np.isfinite(hit)))
        drawn = torch.stack(images)[:, None].float()
        return torch.nn.functional.avg_pool2d(drawn, 2)

    return call


def renderers(arguments: argparse.Namespace, rows: list[dict]) -> None:
    """Times renderers."""
    meshes, faces = deformed_spheres(BATCH)
    views = published_views(BATCH)
    parts = {
        "svr3d neural renderer": NeuralMeshRenderer(SIZE),
        "svr3d soft rasteriser": SoftMeshRenderer(SIZE, anti_aliasing=True),
    }
    peers = {
        name: lambda part=part: part(meshes, faces, views)
        for name, part in parts.items()
    }
    try:
        peers["open3d rays"] = ray_caster(meshes, faces, views)
    except ImportError:
        print("open3d is not installed")
    else:
        wrong = (peers["open3d rays"]() - peers["svr3d neural renderer"]()).abs()
        print(f"pixels differ from open3d by {wrong.mean():.1e} in the mean")
        assert wrong.mean() < 1e-3
    options = {"threads": arguments.threads, "clock": arguments.clock}
    case = f"{BATCH} x 642 vertices, {SIZE}^2 anti-aliased"
    alternate(f"{case}, forward", peers, arguments.repeat, rows, **options)
    peers = {
        name: both_ways(lambda v, part=part: part(v, faces, views)[:, 0], meshes)
        for name, part in parts.items()
    }
    alternate(f"{case}, both ways", peers, arguments.repeat, rows, **options)


def featgan(batch: int):
    """The model of the config, its optimisers, and a batch."""
    import_parts()
    base = config_folder() / "_base_"
    model_config = Config.fromfile(base / "models" / "learn3d_featgan.py").model
    schedule = base / "schedules" / "adam_learn3d_adversary.py"
    settings = dict(Config.fromfile(schedule).optim_wrapper)
    torch.manual_seed(0)
    model = MODELS.build(model_config)
    for part in open_widths(model).values():
        part.settle(VIEWS)
    views = published_views(batch)
    meshes, faces = deformed_spheres(batch)
    masks = NeuralMeshRenderer(SIZE)(meshes.flip(2), faces, views)
    data = {
        "images": torch.rand(batch, 1, 3, SIZE, SIZE) * masks[:, :, None],
        "masks": masks,
        "view_angles": views.angles,
        "view_classes": torch.arange(batch)[:, None] % VIEWS,
    }
    return model, settings.pop("constructor")(settings)(model), data


def training_step(arguments: argparse.Namespace, rows: list[dict], batch: int) -> None:
    """Times a step and what its renderer and its losses take of it."""
    model, optimizers, data = featgan(batch)
    views = MeshViews.from_batch(data)
    vertices = model.head(model.code(data))["vertices"].detach().requires_grad_()
    codes = model.code(data).detach().requires_grad_()
    pull = torch.randn(batch, 1, SIZE, SIZE)
    outputs = {"vertices": vertices, "faces": model.head.faces, "codes": codes}
    outputs["silhouettes"] = data["masks"].clone().requires_grad_()

    def step():
        model.train_step(data, optimizers)

    def renderer():
        vertices.grad = None
        model.renderer(vertices, model.head.faces, views).backward(pull)

    def losses():
        vertices.grad = None
        sum(part(outputs, data) for part in model.losses.values()).backward()

    peers = {"step": step, "renderer, both ways": renderer, "losses": losses}
    # Odd and even steps differ: so many that both are timed.
    repeat = max(4, arguments.repeat)
    case = f"featGAN, batch {batch}"
    options = {"threads": arguments.threads, "clock": arguments.clock}
    alternate(case, peers, repeat, rows, **options)


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark."""
    own = argparse.ArgumentParser(add_help=False)
    own.add_argument("--batch", type=int, default=32, help="of the training step")
    own.add_argument("--clock", choices=CLOCKS, default="wall")
    options, rest = own.parse_known_args(sys.argv[1:] if argv is None else argv)
    arguments = parse(rest, __doc__.splitlines()[0])
    arguments.clock = options.clock
    rows: list[dict] = []
    renderers(arguments, rows)
    training_step(arguments, rows, options.batch)
    return finish(arguments, rows)


if __name__ == "__main__":
    raise SystemExit(main())
