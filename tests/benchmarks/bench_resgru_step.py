# SPDX-License-Identifier: Apache-2.0
"""Times ResidualGRUNet against its plain form: a training step, and inference.

Both have the same weights, and their losses must agree first. The allocator's policy
holds for the whole process, so each run states it.

Example: python tests/benchmarks/bench_resgru_step.py --threads 2 --keep
"""

import argparse
import time
from pathlib import Path

import torch
from harness import alternate, finish, parse
from mmengine.config import Config
from mmengine.registry import MODELS
from plain_resgru import PlainResidualGRUNet

from svr3d.converters.r2n2_port import convert_port
from svr3d.engine.allocator import keep_freed_memory
from svr3d.registry import import_parts

CONFIG = Path(__file__).resolve().parents[2] / "configs/r2n2/resgru_shapenet.py"
BATCH, VIEWS = 4, 5


def ours(plain: PlainResidualGRUNet, *, channels_last: bool):
    """Our network with the peer's weights."""
    settings = Config.fromfile(CONFIG).model | {"channels_last": channels_last}
    model = MODELS.build(settings)
    model.load_state_dict(
        convert_port("resgru", plain.state_dict(), model.state_dict())
    )
    return model


def stepper(parameters, loss, *, half: bool = False):
    """A whole training step: gradients, and Adam with the published decay."""
    parameters = list(parameters)
    optimizer = torch.optim.Adam(parameters, lr=1e-5, weight_decay=5e-5)

    def step():
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            value = loss()
        optimizer.zero_grad()
        value.backward()
        optimizer.step()

    return step


def predictor(function):
    def predict():
        with torch.inference_mode():
            return function()

    return predict


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--keep", action="store_true", help="keep freed memory")
    parser.add_argument(
        "--compile", action="store_true", help="our channels-last form by inductor too"
    )
    own, rest = parser.parse_known_args(argv)
    arguments = parse(rest, __doc__.splitlines()[0])
    policy = keep_freed_memory() if own.keep else "allocator: as it comes"
    print(policy)
    import_parts()
    torch.manual_seed(0)
    plain = PlainResidualGRUNet()
    models = {name: ours(plain, channels_last=name != "svr3d") for name in (
        "svr3d", "svr3d channels-last", "svr3d channels-last bf16")}  # fmt: skip
    if own.compile:
        models["svr3d channels-last compiled"] = ours(plain, channels_last=True)
        for part in models["svr3d channels-last compiled"].children():
            part.compile()  # as tools/train.py --compile does
    images = torch.rand(BATCH, VIEWS, 3, 127, 127)
    voxels = torch.randint(0, 2, (BATCH, 32, 32, 32), dtype=torch.uint8)
    batch = {"images": images, "voxels": voxels, "sample_id": ["a"] * BATCH}
    turned = images.transpose(0, 1).contiguous()
    expected = plain.loss(turned, voxels)
    for name, model in models.items():
        start = time.perf_counter()
        found = sum(model.loss(batch).values())
        if "compiled" in name:
            print(f"{name}: compiled in {time.perf_counter() - start:.0f} s")
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
        print(f"{name}: agrees")
    rows: list[dict] = []
    peers = {
        "plain form": stepper(plain.parameters(), lambda: plain.loss(turned, voxels))
    }
    for name, model in models.items():
        peers[name] = stepper(
            model.parameters(),
            lambda model=model: sum(model.loss(batch).values()),
            half=name.endswith("bf16"),
        )
    how = {"threads": arguments.threads}
    kept = "kept" if own.keep else "as it comes"
    case = f"step, {BATCH} x {VIEWS} views, {kept}"
    alternate(case, peers, arguments.repeat, rows, **how)
    peers = {"plain form": predictor(lambda: plain(turned))}
    for name in ("svr3d", "svr3d channels-last"):
        model = models[name].eval()
        peers[name] = predictor(lambda model=model: model.predict(batch))
    case = f"inference, {BATCH} x {VIEWS} views, {kept}"
    alternate(case, peers, arguments.repeat, rows, **how)
    return finish(arguments, rows)


if __name__ == "__main__":
    raise SystemExit(main())
