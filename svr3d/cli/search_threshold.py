# SPDX-License-Identifier: Apache-2.0
"""Find the threshold that is best on validation data."""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config

from svr3d.cli.test import read_config, testing_only
from svr3d.engine.allocator import keep_freed_memory
from svr3d.engine.config import add_config_arguments, check_config
from svr3d.errors import ConfigError

SEARCHED = ("PointIoU", "VoxelIoU")

_EPILOG = """examples:
  svr3d search-threshold work_dirs/onet/best.pth
  svr3d search-threshold best.pth --range 0.05 0.6 0.01 --write best_threshold.pth
Every head that predicts probabilities will do: thresholds are compared by the IoU
metrics of the config's validation, by their mean over samples. The last line printed
is the path of the results."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Find the threshold that is best on validation data.",
        usage="%(prog)s [CONFIG] CHECKPOINT [options]",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "files",
        nargs="+",
        metavar="[CONFIG] CHECKPOINT",
        help="a checkpoint, and before it a config if not the stored one is wanted",
    )
    parser.add_argument(
        "--range",
        nargs=3,
        type=float,
        default=(0.05, 0.95, 0.05),
        metavar=("LOW", "HIGH", "STEP"),
        help="thresholds to compare (default: 0.05 0.95 0.05)",
    )
    parser.add_argument(
        "--work-dir",
        help="where results go (default: <checkpoint's folder>/threshold)",
    )
    parser.add_argument(
        "--write",
        metavar="FILE.pth",
        help="copy the checkpoint to here, with the threshold for reconstruction",
    )
    parser.add_argument("--seed", type=int, help="seed, for data that draw views")
    add_config_arguments(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Compare thresholds on validation data.

    Args:
        argv: Arguments; those of the process if None.

    Returns:
        0.

    Raises:
        SVR3DError: If config, data, checkpoint or work directory are wrong.
    """
    parser = _parser()
    args = parser.parse_intermixed_args(argv)
    if len(args.files) > 2:
        parser.error(f"expected [CONFIG] CHECKPOINT, found {' '.join(args.files)}")
    low, high, step = args.range
    if not (0 < low <= high < 1 and step > 0):
        parser.error(
            "--range: expected 0 < LOW <= HIGH < 1 and STEP > 0, found "
            f"{low:g} {high:g} {step:g}"
        )
    thresholds = tuple(np.arange(low, high + step / 2, step).round(6).tolist())
    keep_freed_memory()
    checkpoint = args.files[-1]
    cfg = searching(
        read_config(args.files[:-1], checkpoint, args.cfg_options), thresholds
    )

    from svr3d.engine.runner import build_runner, check_writable, prepare_config

    work_dir = check_writable(args.work_dir or Path(checkpoint).parent / "threshold")
    if args.write:
        check_writable(Path(args.write).absolute().parent)
    check_config(cfg)
    cfg = prepare_config(testing_only(cfg), work_dir=work_dir, seed=args.seed)
    cfg.load_from, cfg.resume = str(checkpoint), False
    runner = build_runner(cfg)
    metrics = runner.test()
    tables = {
        metric.prefix: metric.table for metric in runner.test_loop.evaluator.metrics
    }
    report(tables, thresholds)
    best = {
        name: value
        for name, value in metrics.items()
        if name.endswith(("iou_max", "iou_max_threshold"))
    }
    out = Path(work_dir) / "thresholds.json"
    content = {name: table.to_dict() for name, table in tables.items()}
    out.write_text(json.dumps({"best": best, "tables": content}, indent=2) + "\n")
    if args.write:
        store(checkpoint, args.write, best)
        print(args.write)
    print(out)
    return 0


def searching(cfg: Config, thresholds: Sequence[float]) -> Config:
    """Return a config that tests thresholds on its validation data.

    Args:
        cfg: A config with validation; it is changed.
        thresholds: Probabilities to compare.

    Raises:
        ConfigError: If there is no validation, or no metric compares thresholds.
    """
    if not cfg.get("val_dataloader"):
        raise ConfigError("val_dataloader: expected a data loader, found none")
    found = cfg.get("val_evaluator") or []
    found = [found] if isinstance(found, Mapping) else list(found)
    chosen = [part for part in found if _name(part) in SEARCHED]
    if not chosen:
        raise ConfigError(
            f"val_evaluator: expected one of {', '.join(SEARCHED)}, found "
            f"{', '.join(map(_name, found)) or 'nothing'}"
        )
    for part in chosen:
        part["thresholds"] = tuple(thresholds)
        if part.get("source") == "mesh":
            part["source"] = "field"
    cfg.test_dataloader, cfg.test_evaluator = cfg.val_dataloader, chosen
    cfg.test_cfg = cfg.get("test_cfg") or {}
    hooks = cfg.get("default_hooks") or {}
    for name in ("results", "visualization"):
        if name in hooks:
            hooks[name] = None
    return cfg


def report(tables: Mapping[str, Any], thresholds: Sequence[float]) -> None:
    """Print the means of every threshold, the best one marked."""
    for name, table in tables.items():
        best = int(np.argmax(table.overall))
        print(f"{table.metric} ({name}), {table.count} samples")
        print("threshold  over samples  over categories")
        for index, threshold in enumerate(thresholds):
            mark = "  <- best" if index == best else ""
            print(
                f"{threshold:9.3f}  {table.overall[index]:12.4f}  "
                f"{table.mean_of_categories[index]:15.4f}{mark}"
            )
        print(
            f"use it: svr3d reconstruct --threshold {thresholds[best]:g}, svr3d test "
            f"--cfg-options model.head.threshold={thresholds[best]:g} (heads with one)"
        )


def store(checkpoint: str, path: str, best: Mapping[str, float]) -> None:
    """Write a copy of a checkpoint whose validation metrics name the threshold."""
    import torch

    from svr3d.engine.checkpoint import read_checkpoint, validation_metrics

    content = read_checkpoint(checkpoint)
    meta = dict(content.get("meta", {}))
    known = meta.get("val_metrics") or validation_metrics(content)
    # Thresholds of an earlier search or validation would compete with these.
    kept = {k: v for k, v in known.items() if not k.endswith("iou_max_threshold")}
    meta["val_metrics"] = {**kept, **best}
    torch.save({**content, "meta": meta}, path)


def _name(part: Mapping[str, Any]) -> str:
    kind = part.get("type")
    return (kind if isinstance(kind, str) else kind.__name__).rsplit(".", 1)[-1]


if __name__ == "__main__":
    from svr3d.cli.main import run

    run(main)
