# SPDX-License-Identifier: Apache-2.0
"""Check configs without running them."""

import argparse
import time
from collections.abc import Sequence

from svr3d.engine.config import (
    add_config_arguments,
    load_config,
    shipped_configs,
)
from svr3d.errors import ConfigError

_EPILOG = """example:
  svr3d lint-config configs/r2n2/res3dgru_shapenet.py --cfg-options data_root=/data
Exit code 0 if all are clean, 2 otherwise."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Check configs: imports, names, signatures, types, protocol.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "configs",
        nargs="*",
        metavar="CONFIG",
        help="path or shipped name; all shipped configs if none is given",
    )
    add_config_arguments(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Check configs and print what is wrong.

    Args:
        argv: Arguments; those of the process if None.

    Returns:
        0 if all are clean, 2 otherwise.
    """
    args = _parser().parse_args(argv)
    from svr3d.engine.lint import format_problems, lint_config

    names = args.configs or shipped_configs()
    failed = 0
    for name in names:
        start = time.perf_counter()
        try:
            cfg = load_config(name, args.cfg_options)
            problems = lint_config(cfg)
        except ConfigError as error:
            print(error)
            failed += 1
            continue
        seconds = time.perf_counter() - start
        if problems:
            print(format_problems(problems, str(cfg.filename)))
            failed += 1
        else:
            print(f"{cfg.filename}: clean ({seconds:.1f} s)")
    print(f"{len(names) - failed} of {len(names)} configs are clean")
    return 2 if failed else 0


if __name__ == "__main__":
    from svr3d.cli.main import run

    run(main)
