# SPDX-License-Identifier: Apache-2.0
"""Print a config as it is after inheritance and overrides, or how two differ."""

import argparse
import difflib
from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config

from svr3d.engine.config import (
    add_config_arguments,
    apply_options,
    config_to_text,
    load_config,
)

_EPILOG = """examples:
  svr3d print-config r2n2/res3dgru_synthetic.py --cfg-options batch_size=4
  svr3d print-config r2n2/res3dgru_synthetic.py r2n2/res3dgru_shapenet.py
  svr3d print-config work_dirs/first/last.pth --out config.py"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "config", metavar="CONFIG", help="config, shipped name or checkpoint (.pth)"
    )
    parser.add_argument(
        "other",
        nargs="?",
        metavar="OTHER",
        help="a second one: print the difference, OTHER's lines with +",
    )
    parser.add_argument(
        "--out", type=Path, help="write to this file instead of the screen"
    )
    add_config_arguments(parser)
    return parser


def read(name: str, cfg_options: dict) -> Config:
    """Load a config from a config file or from a checkpoint, with overrides.

    Raises:
        ConfigError: If it is missing or wrong.
        CheckpointError: If a checkpoint holds no config.
    """
    if not name.endswith((".pth", ".pt")):
        return load_config(name, cfg_options)
    from svr3d.engine.checkpoint import checkpoint_config, read_checkpoint

    cfg = checkpoint_config(read_checkpoint(name), source=name)
    apply_options(cfg, cfg_options)
    return cfg


def main(argv: Sequence[str] | None = None) -> int:
    """Print a config or the difference of two.

    Args:
        argv: Arguments; those of the process if None.

    Returns:
        0; with two configs 1 if they differ, as ``diff`` does.
    """
    args = _parser().parse_args(argv)
    text = config_to_text(read(args.config, args.cfg_options))
    code = 0
    if args.other:
        other = config_to_text(read(args.other, args.cfg_options))
        difference = difflib.unified_diff(
            text.splitlines(keepends=True),
            other.splitlines(keepends=True),
            args.config,
            args.other,
            n=2,
        )
        text = "".join(difference)
        code = 1 if text else 0
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(text, encoding="utf-8")
        print(args.out)
    else:
        print(text, end="")
    return code


if __name__ == "__main__":
    from svr3d.cli.main import run

    run(main)
