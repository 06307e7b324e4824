# SPDX-License-Identifier: Apache-2.0
"""Build a data set from a folder of meshes."""

import argparse
import sys
from collections.abc import Sequence

_EPILOG = """example:
  svr3d build-dataset meshes data/mine --views 24 --workers 8

Runs that were stopped continue where they were: finished objects are kept, if the
settings are the same. Exit code 0 if the data set has objects, even if some meshes
failed (they are listed at the end and in manifest.json); 1 if every mesh failed;
2 for wrong input; 130 after Ctrl-C."""


def _parser() -> argparse.ArgumentParser:
    from svr3d.cli.build_arguments import add_build_arguments, add_up_argument
    from svr3d.preparation.settings import BuildSettings

    parser = argparse.ArgumentParser(
        prog="build_dataset",
        description="Render, voxelise and sample meshes into a published layout.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("meshes", metavar="MESHES", help="<category>/<name>.<suffix>")
    parser.add_argument("out", metavar="OUT", help="folder of the data set")
    add_build_arguments(parser, defaults=BuildSettings())
    add_up_argument(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: Arguments; those of the process if None.

    Returns:
        The exit code, see ``--help``.

    Raises:
        SVR3DError: No meshes are found, or the folder cannot be used as asked.
    """
    args = _parser().parse_args(argv)
    from svr3d.cli.build_arguments import num_workers, print_report, settings_from
    from svr3d.preparation.builder import build_dataset

    try:
        report = build_dataset(
            args.meshes,
            args.out,
            settings=settings_from(args),
            workers=num_workers(args),
            executor=args.executor,
            overwrite=args.overwrite,
            progress=True,
        )
    except KeyboardInterrupt:
        print(
            f"stopped; run the same command again to continue in {args.out}",
            file=sys.stderr,
        )
        return 130
    return print_report(report)
