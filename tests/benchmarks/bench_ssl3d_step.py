# SPDX-License-Identifier: Apache-2.0
"""Times a training step of self-supervised point clouds against its dense form.

The published size: two images of 64 pixels, 1024 points, four views. Both have the same
networks and weights, and their losses must agree first; both optimisers step. Then each
takes two steps in a process of its own, for its peak of memory.

Example: python tests/benchmarks/bench_ssl3d_step.py --threads 2 --repeat 3
"""

import multiprocessing
from pathlib import Path

import torch
from harness import alternate, finish, parse
from mmengine.config import Config
from mmengine.registry import MODELS
from plain_ssl3d import DenseAffinity, DenseCycle, DenseRenderer

from svr3d.engine.config import config_folder
from svr3d.registry import import_parts

BATCH, SIZE = 2, 64


def build(dense: bool):
    """The model and its optimisers."""
    import_parts()
    base = config_folder() / "_base_"
    model_config = Config.fromfile(base / "models" / "ssl3d.py").model
    schedule = Config.fromfile(base / "schedules" / "adam_ssl3d.py").optim_wrapper
    torch.manual_seed(0)
    model = MODELS.build(model_config)
    with torch.no_grad():  # a cloud of the size of an object, not the first speck
        model.shape.to_points.bias.normal_(0, 0.15)
    if dense:
        model.renderer = DenseRenderer(SIZE)
        model.losses["outside"] = DenseAffinity("outside")
        model.losses["uncovered"] = DenseAffinity("uncovered")
        model.losses["shape_cycle"] = DenseCycle()
    settings = dict(schedule)
    return model, settings.pop("constructor")(settings)(model)


def make_batch() -> dict:
    """Two discs and random colours."""
    generator = torch.Generator().manual_seed(1)
    axis = torch.arange(SIZE) - SIZE / 2
    disc = ((axis[:, None].square() + axis.square()) < 20**2).float()
    masks = disc.expand(BATCH, 1, SIZE, SIZE).contiguous()
    colors = torch.rand(BATCH, 1, 3, SIZE, SIZE, generator=generator)
    return {"images": colors * masks[:, :, None], "masks": masks}


def stepper(dense: bool):
    """A function that trains one step."""
    model, optimizers = build(dense)
    batch = make_batch()
    return lambda: model.train_step(batch, optimizers)


def memory(entry: str) -> float:
    """MiB of this process; ``VmHWM`` is its peak (``ru_maxrss`` is inherited)."""
    status = Path("/proc/self/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith(f"{entry}:"))
    return int(line.split()[1]) / 1024


def peak(dense: bool, threads: int, queue) -> None:
    """Put how many MiB two steps add to the peak of this process."""
    torch.set_num_threads(threads)
    step = stepper(dense)
    before = memory("VmRSS")
    step()
    step()
    queue.put(memory("VmHWM") - before)


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark."""
    arguments = parse(argv, __doc__.splitlines()[0])
    values = []
    for dense in (True, False):
        model, _ = build(dense)
        torch.manual_seed(2)
        values.append(model.loss(make_batch()))
    for name, expected in values[0].items():
        torch.testing.assert_close(values[1][name], expected, rtol=1e-3, atol=1e-5)
    print("losses agree")
    rows: list[dict] = []
    peers = {"dense form": stepper(True), "svr3d": stepper(False)}
    case = f"step, {BATCH} x 1024 points, 4 views of {SIZE}^2"
    alternate(case, peers, arguments.repeat, rows, threads=arguments.threads)
    context = multiprocessing.get_context("spawn")
    for row, dense in zip(rows, (True, False), strict=True):
        queue = context.Queue()
        process = context.Process(target=peak, args=(dense, arguments.threads, queue))
        process.start()
        row["peak_mib"] = queue.get()
        process.join()
        print(f"{row['peer']:28} {row['peak_mib']:10.0f} MiB added")
    return finish(arguments, rows)


if __name__ == "__main__":
    raise SystemExit(main())
