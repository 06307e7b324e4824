# SPDX-License-Identifier: Apache-2.0
"""Evaluate a checkpoint and print its table."""

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config

from svr3d.cli.launcher_arguments import add_launcher_arguments
from svr3d.engine.allocator import keep_freed_memory
from svr3d.engine.config import (
    add_config_arguments,
    apply_options,
    check_config,
    import_custom_modules,
    load_config,
)
from svr3d.engine.evaluation_file import replace_evaluation
from svr3d.errors import ConfigError

_EPILOG = """examples:
  svr3d test work_dirs/first/best_voxel_iou_max_epoch_40.pth
  svr3d test r2n2/res3dgru_custom.py best.pth --cfg-options data_root=data/mine
A checkpoint alone will do: it stores its config, categories and protocol. The last
line printed is the path of the results."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Evaluate a checkpoint and print its table.",
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
        "--work-dir", help="where results go (default: <checkpoint's folder>/test)"
    )
    parser.add_argument(
        "--out", metavar="FILE.json", help="write the numbers to this file too"
    )
    parser.add_argument(
        "--evaluation",
        metavar="NAME",
        help="test by the metrics and protocol of this file, or of this name in "
        "configs/_base_/evaluation, instead of the config's",
    )
    parser.add_argument("--seed", type=int, help="seed, for data that draw views")
    add_launcher_arguments(parser, "tools/dist_test.sh")
    add_config_arguments(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Evaluate a checkpoint.

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
    keep_freed_memory()
    checkpoint = args.files[-1]
    cfg = read_config(
        args.files[:-1], checkpoint, args.cfg_options, evaluation=args.evaluation
    )

    from svr3d.engine.compat import finish_processes
    from svr3d.engine.runner import build_runner, check_writable, prepare_config

    work_dir = check_writable(args.work_dir or Path(checkpoint).parent / "test")
    if args.out:
        check_writable(Path(args.out).absolute().parent)
    check_config(cfg)
    cfg = prepare_config(
        testing_only(cfg), work_dir=work_dir, seed=args.seed, launcher=args.launcher
    )
    cfg.load_from, cfg.resume = str(checkpoint), False
    runner = build_runner(cfg)
    metrics = runner.test()
    if os.environ.get("RANK", "0") == "0":
        if args.out:
            Path(args.out).write_text(json.dumps(metrics, indent=2) + "\n")
        print(args.out or work_dir)
    return finish_processes()


def read_config(
    config: Sequence[str],
    checkpoint: str,
    cfg_options: dict,
    *,
    evaluation: str | None = None,
) -> Config:
    """Return the given config, or the one that the checkpoint stores.

    Args:
        config: No or one path of a config.
        checkpoint: Path of the checkpoint.
        cfg_options: Overrides, of the evaluation too.
        evaluation: What replaces the config's metrics and protocol; see
            :func:`svr3d.engine.evaluation_file.replace_evaluation`.

    Raises:
        ConfigError: If a config is wrong.
        CheckpointError: If the checkpoint cannot be read or stores no config.
    """
    from svr3d.engine.checkpoint import checkpoint_config, read_checkpoint

    content = read_checkpoint(checkpoint)
    if config:
        cfg = load_config(config[0])
    else:
        cfg = checkpoint_config(content, source=checkpoint)
    if evaluation is not None:
        replace_evaluation(cfg, evaluation)
    apply_options(cfg, cfg_options)
    import_custom_modules(cfg)
    return cfg


def testing_only(cfg: Config) -> Config:
    """Return a config without what only training needs.

    Raises:
        ConfigError: If it says nothing about testing.
    """
    if not cfg.get("test_dataloader"):
        raise ConfigError("test_dataloader: expected a data loader, found none")
    for name in ("train", "val"):
        for key in (f"{name}_dataloader", f"{name}_cfg", f"{name}_evaluator"):
            if key in cfg:
                cfg[key] = None
    cfg.optim_wrapper = cfg.param_scheduler = cfg.auto_scale_lr = None
    return cfg


if __name__ == "__main__":
    from svr3d.cli.main import run

    run(main)
