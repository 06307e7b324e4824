# SPDX-License-Identifier: Apache-2.0
"""Put the results of several tests into one table."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

_EPILOG = """example:
  svr3d leaderboard "mean=mean/results/test_voxel.json@t=0.30" \\
      "3D-GRU=gru/results/test_voxel.json@t=0.40" --out leaderboard.md
Results under different protocols (views, split, unit ...) become different tables."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Put the results of several tests into one table.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "results",
        nargs="+",
        metavar="LABEL=FILE[@COLUMN]",
        help="a JSON table that 'test' wrote, and the column that counts",
    )
    parser.add_argument("--out", help="Markdown file to write, and .json beside it")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables.

    Args:
        argv: Arguments; those of the process if None.

    Returns:
        0.

    Raises:
        DataError: A file is no table, or tables do not fit together.
    """
    args = _parser().parse_args(argv)

    from svr3d.analysis.leaderboard import Entry, leaderboards, to_markdown

    tables = leaderboards([Entry.parse(text) for text in args.results])
    text = "\n\n".join(to_markdown(table) for table in tables)
    print(text)
    if args.out:
        out = Path(args.out)
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text + "\n")
        content = [table.to_dict() for table in tables]
        out.with_suffix(".json").write_text(json.dumps(content, indent=1) + "\n")
        print(out)
    return 0
