# SPDX-License-Identifier: Apache-2.0
"""Times a training step of AtlasNet against its plain form.

Both have the same weights and template points, and their losses must agree first. The
allocator's policy holds for the whole process, so each run states it.

Example: python tests/benchmarks/bench_atlasnet_step.py --threads 2 --keep
"""

import argparse

import torch
from bench_resgru_step import stepper
from harness import alternate, finish, parse
from mmengine.registry import MODELS
from plain_atlasnet import PlainAtlasNet

from svr3d.converters.atlasnet import convert_atlasnet
from svr3d.engine.allocator import keep_freed_memory
from svr3d.registry import import_parts

BATCH, POINTS, SIZE = 16, 2500, 224
# Name -> template, patches, coordinates of its points.
NETWORKS = {
    "sphere": ("SphereTemplate", 1, 3),
    "25 squares": ("SquareTemplate", 25, 2),
}


def make(template: str, patches: int) -> torch.nn.Module:
    """Build ours, in training."""
    head = dict(type="AtlasNetHead", template=dict(type=template), num_patches=patches)
    model = dict(
        type="EncoderDecoder",
        backbone=dict(type="ConditionalResNet", out_features=1024, normalize=False),
        head=head,
        losses=[dict(type="ChamferLoss")],
        channels_last=True,
    )
    return MODELS.build(model).train()


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--keep", action="store_true", help="keep freed memory")
    parser.add_argument("--network", choices=NETWORKS, action="append")
    own, rest = parser.parse_known_args(argv)
    arguments = parse(rest, __doc__.splitlines()[0])
    print(keep_freed_memory() if own.keep else "allocator: as it comes")
    import_parts()
    images = torch.rand(BATCH, 3, SIZE, SIZE)
    target = torch.randn(BATCH, POINTS, 3)
    target /= target.norm(dim=2, keepdim=True)
    batch = {"images": images.unsqueeze(1), "surface_points": target}
    rows: list[dict] = []
    for name in own.network or NETWORKS:
        template, patches, dimensions = NETWORKS[name]
        torch.manual_seed(0)
        plain = PlainAtlasNet(patches, dimensions)
        models = {key: make(template, patches) for key in ("svr3d", "svr3d bf16")}
        for model in models.values():
            state = convert_atlasnet(plain.state_dict(), model.state_dict())
            model.load_state_dict(state)

        def draw(template=models["svr3d"].head.template, patches=patches):
            drawn = template.random_points(patches, POINTS // patches)
            return list(drawn.transpose(1, 2).split(1))

        torch.manual_seed(1)
        expected = plain.loss(images, draw(), target)
        for key, model in models.items():
            torch.manual_seed(1)
            (found,) = model.loss(batch).values()
            torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
            print(f"{name}, {key}: agrees")
        del found, expected
        peers = {
            "plain form": stepper(
                plain.parameters(),
                lambda plain=plain, draw=draw: plain.loss(images, draw(), target),
            )
        }
        for key, model in models.items():
            peers[key] = stepper(
                model.parameters(),
                lambda model=model: sum(model.loss(batch).values()),
                half=key.endswith("bf16"),
            )
        case = f"{name}, {BATCH} x {POINTS}, {'kept' if own.keep else 'as it comes'}"
        alternate(case, peers, arguments.repeat, rows, threads=arguments.threads)
    return finish(arguments, rows)


if __name__ == "__main__":
    raise SystemExit(main())
