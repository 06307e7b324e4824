# SPDX-License-Identifier: Apache-2.0
"""Pack a data set of Occupancy Networks into one file."""

import argparse
from collections.abc import Sequence

_EPILOG = """example:
  svr3d pack-occnet data/occnet data/occnet.lmdb

OccNetDataset reads the file as data_root, with the same options and the same samples.
The file has its name only once it is complete; a stopped run continues from
OUT.partial. Exit code 0; 2 for wrong input, such as a broken object."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pack_occnet",
        description="Pack all listed objects into one file for fast random access.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("root", metavar="ROOT", help="data set in the layout of Occupancy Networks")
    add("out", metavar="OUT", help="the file, which ends in .lmdb")
    add("--overwrite", action="store_true", help="replace a file that is there")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: Arguments; those of the process if None.

    Returns:
        The exit code, see ``--help``.

    Raises:
        SVR3DError: If the data set cannot be used, or lmdb is not installed.
    """
    args = _parser().parse_args(argv)
    from svr3d.preparation.occnet_packing import pack_occnet

    report = pack_occnet(args.root, args.out, overwrite=args.overwrite, progress=True)
    size = report.out.stat().st_size / 2**20
    print(
        f"{report.made} objects packed, {report.kept} kept from before, "
        f"{report.seconds:.0f} s, {size:.1f} MiB"
    )
    print(report.out)
    return 0


if __name__ == "__main__":
    from svr3d.cli.main import run

    run(main)
