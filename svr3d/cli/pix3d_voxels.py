# SPDX-License-Identifier: Apache-2.0
"""Make the voxel grids of Pix3D from its meshes."""

import argparse
import sys
from collections.abc import Sequence

_EPILOG = """example:
  svr3d pix3d-voxels data/pix3d --categories chair

Each mesh that pix3d.json names is voxelised once, as it stands, and model.binvox is
written beside it. Grids that are there are kept, so a stopped run continues. Exit code
0 if there are grids, even if some meshes failed (they are listed at the end); 1 if
there are none; 2 for wrong input; 130 after Ctrl-C."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pix3d_voxels",
        description="Voxelise the meshes of a Pix3D download.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("root", metavar="ROOT", help="folder of the download, with pix3d.json")
    add("--resolution", type=int, default=32, help="cells along each side")
    add(
        "--mode",
        choices=("solid", "surface", "inside", "parity", "visibility"),
        default="solid",
        help="what counts as occupied (default: the inside and what touches a face)",
    )
    add("--categories", nargs="+", metavar="NAME", help="only these (default: all)")
    add("--overwrite", action="store_true", help="make all grids anew")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: Arguments; those of the process if None.

    Returns:
        The exit code, see ``--help``.

    Raises:
        SVR3DError: If the annotations or an option cannot be used.
    """
    args = _parser().parse_args(argv)
    from svr3d.errors import ConfigError
    from svr3d.preparation.pix3d_voxels import make_pix3d_voxels

    if not 4 <= args.resolution <= 512:
        raise ConfigError(f"--resolution: expected 4 to 512, found {args.resolution}")
    report = make_pix3d_voxels(
        args.root,
        resolution=args.resolution,
        mode=args.mode,
        categories=args.categories,
        overwrite=args.overwrite,
        progress=True,
    )
    if report.failures:
        print(f"{len(report.failures)} meshes gave no grid:", file=sys.stderr)
        for reason in report.failures.values():
            print(f"  {reason}", file=sys.stderr)
    print(f"{report.made} grids made, {report.kept} kept, {report.seconds:.0f} s")
    print(args.root)
    return 0 if report.made + report.kept else 1


if __name__ == "__main__":
    from svr3d.cli.main import run

    run(main)
