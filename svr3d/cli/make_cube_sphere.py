# SPDX-License-Identifier: Apache-2.0
"""Generate the cube-sphere set of the dispersion study."""

import argparse
import sys
from collections.abc import Sequence

_EPILOG = """example:
  svr3d make-cube-sphere data/cubesphere_1000

Writes OUT/CubeSphere_interp_1000/instance_000 ... (mesh, pictures, points) and the
lists: train, val and test, and 16 training sets with controlled dispersion of images
and shapes. A stopped run continues where it was. Exit code 0 if the set is
complete, 2 for wrong input, 130 after Ctrl-C."""


def _parser() -> argparse.ArgumentParser:
    from svr3d.preparation.cube_sphere.generate import CubeSphereSettings

    defaults = CubeSphereSettings()
    parser = argparse.ArgumentParser(
        description="Make shapes between cube and sphere, with pictures and points.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("out", nargs="?", default="data/cubesphere_1000", metavar="OUT")
    add("--count", type=int, default=defaults.count, help="shapes of the set")
    add("--num-points", type=int, default=defaults.num_points, help="points of each")
    add("--image-size", type=int, default=defaults.image_size, help="image side")
    add(
        "--all-views",
        action=argparse.BooleanOptionalAction,
        default=defaults.all_views,
        help="write front, right and top beside the isometric view",
    )
    add("--background", type=int, default=defaults.background, help="grey level")
    add("--cube-half-side", type=float, default=defaults.cube_half_side)
    add("--sphere-radius", type=float, default=defaults.sphere_radius)
    add("--seed", type=int, default=defaults.seed, help="seed of the points")
    add(
        "--workers",
        type=int,
        default=None,
        help="processes with one thread each (default: one per core; 0: this one)",
    )
    add("--overwrite", action="store_true", help="make finished shapes anew")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: Arguments; those of the process if None.

    Returns:
        The exit code, see ``--help``.

    Raises:
        SVR3DError: The folder cannot be used as asked, or an option is out of range.
    """
    args = _parser().parse_args(argv)
    from svr3d.cli.build_arguments import num_workers
    from svr3d.preparation.cube_sphere.generate import (
        CubeSphereSettings,
        make_cube_sphere,
    )

    settings = CubeSphereSettings(
        count=args.count,
        num_points=args.num_points,
        image_size=args.image_size,
        all_views=args.all_views,
        background=args.background,
        cube_half_side=args.cube_half_side,
        sphere_radius=args.sphere_radius,
        seed=args.seed,
    )
    try:
        report = make_cube_sphere(
            args.out,
            settings=settings,
            workers=num_workers(args),
            overwrite=args.overwrite,
            progress=True,
        )
    except KeyboardInterrupt:
        print("stopped; run the same command again to continue", file=sys.stderr)
        return 130
    print(f"{report.made} shapes made, {report.kept} kept, {report.seconds:.0f} s")
    print(args.out)
    return 0


if __name__ == "__main__":
    from svr3d.cli.main import run

    run(main)
