# SPDX-License-Identifier: Apache-2.0
"""Times a training step of an occupancy network against its plain form.

Both have the same weights, and their losses must agree first. The allocator's policy
holds for the whole process, so each run states it.

Example: python tests/benchmarks/bench_occnet_step.py --threads 2 --keep
"""

import argparse

import torch
from bench_resgru_step import stepper
from harness import alternate, finish, parse
from mmengine.registry import MODELS
from plain_onet import PlainOccupancyNetwork, make_lively

from svr3d.converters.occnet import convert_occnet
from svr3d.engine.allocator import keep_freed_memory
from svr3d.registry import import_parts

BATCH, POINTS, SIZE = 16, 2048, 224
MODEL = dict(
    type="EncoderDecoder",
    backbone=dict(type="ConditionalResNet", depth=18, out_features=256),
    head=dict(
        type="OccupancyHead",
        decoder=dict(type="CBNDecoder", code_features=256, hidden_features=256),
    ),
    losses=[dict(type="OccupancyBCE")],
    channels_last=True,
)


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--keep", action="store_true", help="keep freed memory")
    own, rest = parser.parse_known_args(argv)
    arguments = parse(rest, __doc__.splitlines()[0])
    print(keep_freed_memory() if own.keep else "allocator: as it comes")
    import_parts()
    torch.manual_seed(0)
    plain = PlainOccupancyNetwork()
    make_lively(plain)
    models = {name: MODELS.build(MODEL) for name in ("svr3d", "svr3d bf16")}
    for model in models.values():
        model.load_state_dict(convert_occnet(plain.state_dict(), model.state_dict()))
    images = torch.rand(BATCH, 3, SIZE, SIZE)
    points = torch.rand(BATCH, POINTS, 3) - 0.5
    occupancies = torch.randint(0, 2, (BATCH, POINTS)).float()
    batch = {
        "images": images.unsqueeze(1),
        "points": points,
        "occupancies": occupancies,
    }
    expected = plain.loss(images, points, occupancies)
    for name, model in models.items():
        (found,) = model.loss(batch).values()
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
        print(f"{name}: agrees")
    rows: list[dict] = []
    peers = {
        "plain form": stepper(
            plain.parameters(), lambda: plain.loss(images, points, occupancies)
        )
    }
    for name, model in models.items():
        peers[name] = stepper(
            model.parameters(),
            lambda model=model: sum(model.loss(batch).values()),
            half=name.endswith("bf16"),
        )
    case = f"step, {BATCH} x {POINTS} points, {'kept' if own.keep else 'as it comes'}"
    alternate(case, peers, arguments.repeat, rows, threads=arguments.threads)
    return finish(arguments, rows)


if __name__ == "__main__":
    raise SystemExit(main())
