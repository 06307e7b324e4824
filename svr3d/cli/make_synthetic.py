# SPDX-License-Identifier: Apache-2.0
"""Generate the embedded data set: procedural meshes, then the builder."""

import argparse
import sys
from collections.abc import Sequence

_EPILOG = """example:
  svr3d make-synthetic data/synthetic

Writes OUT/meshes/<category>/<name>.glb and builds them into OUT. The same seed gives
the same meshes, bit for bit. A stopped run continues where it was. Exit codes are
those of build-dataset."""


def _parser() -> argparse.ArgumentParser:
    from svr3d.cli.build_arguments import add_build_arguments
    from svr3d.preparation.procedural import CATEGORIES
    from svr3d.preparation.settings import BuildSettings

    parser = argparse.ArgumentParser(
        description=f"Make procedural meshes ({', '.join(CATEGORIES)}) and build them.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("out", nargs="?", default="data/synthetic", metavar="OUT")
    parser.add_argument("--per-category", type=int, default=50, help="objects of each")
    # Fewer points than published sets hold: the whole set stays below 300 MB.
    defaults = BuildSettings(num_points=20_000, num_surface_points=20_000)
    add_build_arguments(parser, defaults=defaults)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: Arguments; those of the process if None.

    Returns:
        The exit code, see ``--help`` of ``build-dataset``.

    Raises:
        SVR3DError: The folder cannot be used as asked, or an option is out of range.
    """
    args = _parser().parse_args(argv)
    from svr3d.cli.build_arguments import num_workers, print_report, settings_from
    from svr3d.preparation.builder import build_dataset
    from svr3d.preparation.procedural.mesh_set import write_meshes

    settings = settings_from(args)
    try:
        meshes = write_meshes(args.out, args.per_category, seed=args.seed)
        report = build_dataset(
            meshes,
            args.out,
            settings=settings,
            workers=num_workers(args),
            executor=args.executor,
            overwrite=args.overwrite,
            progress=True,
        )
    except KeyboardInterrupt:
        print("stopped; run the same command again to continue", file=sys.stderr)
        return 130
    return print_report(report)
