# SPDX-License-Identifier: Apache-2.0
"""Write the record files of a data set in DRC's layout."""

import argparse
from collections.abc import Sequence

_EPILOG = """example:
  svr3d pack-drc data/drc

writes data/drc/tfrecords/<synset>_<split>_<kind>.tfrecords. ShapeNetDRC reads them with
source='records', the published programs as they are. Files of neighbours are written
where svr3d mine-neighbours has made their lists."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pack_drc",
        description="Write images, masks, poses and clouds into record files.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("root", metavar="ROOT", help="data set in DRC's layout")
    add("--out", help="folder of the files (default: ROOT/tfrecords)")
    add("--categories", nargs="*", help="folders of the categories (default: all)")
    add(
        "--neighbors",
        type=int,
        default=5,
        help="pairs of each image with its nearest (default: %(default)s)",
    )
    add("--overwrite", action="store_true", help="replace files that are there")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: Arguments; those of the process if None.

    Returns:
        0.

    Raises:
        SVR3DError: If the data set cannot be used.
    """
    parser = _parser()
    args = parser.parse_args(argv)
    if args.neighbors < 0:
        parser.error(f"--neighbors: expected at least 0, found {args.neighbors}")
    from svr3d.preparation.drc_packing import pack_drc

    report = pack_drc(
        args.root,
        args.out,
        categories=args.categories,
        neighbors=args.neighbors,
        overwrite=args.overwrite,
    )
    for name, count in report.counts.items():
        print(f"{count:6d} records  {name}")
    print(report.out)
    return 0


if __name__ == "__main__":
    from svr3d.cli.main import run

    run(main)
