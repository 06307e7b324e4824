# SPDX-License-Identifier: Apache-2.0
"""Make HDF5 files of a data set of Occupancy Networks."""

import argparse
import sys
from collections.abc import Sequence

_EPILOG = """example:
  svr3d occnet-to-hdf5 data/occnet data/occnet_hdf5

OUT/hdf_data gets one file of each object and the merged lists; OccNetHDF5 reads that
folder. Finished files are kept, so a stopped run continues. Exit code 0 if there are
files, even if some objects failed (they are listed at the end); 1 if there are none;
2 for wrong input."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="occnet_to_hdf5",
        description="Write one HDF5 file of each object.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("root", metavar="ROOT", help="data set in the layout of Occupancy Networks")
    add("out", metavar="OUT", help="folder of the result")
    add("--image-folder", default="img_choy2016", help="folder of an object's images")
    add("--workers", type=int, default=2, help="threads (default: 2)")
    add("--overwrite", action="store_true", help="write all files anew")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: Arguments; those of the process if None.

    Returns:
        The exit code, see ``--help``.

    Raises:
        SVR3DError: If the data set cannot be used, or h5py is not installed.
    """
    args = _parser().parse_args(argv)
    from svr3d.preparation.occnet_hdf5 import occnet_to_hdf5

    report = occnet_to_hdf5(
        args.root,
        args.out,
        image_folder=args.image_folder,
        workers=args.workers,
        overwrite=args.overwrite,
        progress=True,
    )
    if report.failures:
        print(f"{len(report.failures)} objects gave no file:", file=sys.stderr)
        for reason in report.failures.values():
            print(f"  {reason}", file=sys.stderr)
    print(f"{report.made} files made, {report.kept} kept, {report.seconds:.0f} s")
    print(report.out)
    return 0 if report.made + report.kept else 1


if __name__ == "__main__":
    from svr3d.cli.main import run

    run(main)
