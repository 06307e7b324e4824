# SPDX-License-Identifier: Apache-2.0
"""Options and messages that the two data set builders share."""

import argparse
import os
import sys

from svr3d.preparation.builder import BuildReport
from svr3d.preparation.executors import EXECUTORS
from svr3d.preparation.layouts import LAYOUTS
from svr3d.preparation.object_frame import UP_AXES
from svr3d.preparation.part_labels import PART_RULES
from svr3d.preparation.settings import WATERTIGHT_RULES, BuildSettings


def add_build_arguments(
    parser: argparse.ArgumentParser, *, defaults: BuildSettings
) -> None:
    """Add the options that decide what is built, and how."""
    add = parser.add_argument
    add("--layout", choices=sorted(LAYOUTS), default=defaults.layout)
    add("--views", type=int, default=defaults.views, help="images per object")
    sides = sorted({layout.resolution for layout in LAYOUTS.values()})
    add(
        "--resolution",
        type=int,
        default=None,
        help=f"image side (default: the layout's, {' or '.join(map(str, sides))})",
    )
    add(
        "--supersample",
        type=int,
        default=defaults.supersample,
        help="samples per pixel and axis for anti-aliasing",
    )
    add("--voxel-resolution", type=int, default=defaults.voxel_resolution)
    add(
        "--num-points",
        type=int,
        default=defaults.num_points,
        help="occupancy points per object",
    )
    add(
        "--num-surface-points",
        type=int,
        default=defaults.num_surface_points,
        help="surface points with normals per object",
    )
    _add_point_arguments(parser, defaults)
    add("--seed", type=int, default=defaults.seed)
    add(
        "--split",
        type=float,
        nargs=3,
        default=defaults.split,
        metavar=("TRAIN", "VAL", "TEST"),
        help="shares of each category",
    )
    add(
        "--variants",
        type=int,
        default=defaults.variants,
        help="deformed copies of each training object for a second training list",
    )
    add(
        "--yaw-ranges",
        type=int,
        nargs="*",
        default=defaults.yaw_ranges,
        metavar="DEGREES",
        help="limits of the yaw, a set of images for each (layout atlasnet)",
    )
    add(
        "--limited-resolution",
        type=int,
        default=defaults.limited_resolution,
        help="side of these images",
    )
    add(
        "--parts",
        choices=PART_RULES,
        default=defaults.parts,
        help="maps of parts beside the images: connected components, or faces of one "
        "colour (layout drc)",
    )
    add(
        "--workers",
        type=int,
        default=None,
        help="processes with one thread each (default: one per core; 0: this one)",
    )
    add("--executor", choices=EXECUTORS, default="process")
    add("--overwrite", action="store_true", help="build finished objects anew")


def _add_point_arguments(
    parser: argparse.ArgumentParser, defaults: BuildSettings
) -> None:
    """Add the options that say how points are drawn and stored."""
    add = parser.add_argument
    add(
        "--hidden-surface",
        action="store_true",
        default=defaults.hidden_surface,
        help="draw surface points from all faces, not only from those that show",
    )
    add(
        "--padding",
        type=float,
        default=defaults.padding,
        help="query points lie in a cube of side 1 + PADDING",
    )
    add(
        "--uniform-ratio",
        type=float,
        default=defaults.uniform_ratio,
        help="share of query points uniform in that cube; the others lie near the "
        "surface",
    )
    add(
        "--sigma",
        type=float,
        default=defaults.sigma,
        help="standard deviation of the others from the surface, along each axis",
    )
    add(
        "--float16",
        action=argparse.BooleanOptionalAction,
        default=defaults.float16,
        help="store points as float16, else float32",
    )
    add(
        "--packbits",
        action=argparse.BooleanOptionalAction,
        default=defaults.packbits,
        help="store labels eight to a byte, else one each",
    )
    add(
        "--watertight",
        choices=WATERTIGHT_RULES,
        default=defaults.watertight,
        help="draw points of a watertight version of no, open or all meshes",
    )
    add(
        "--watertight-resolution",
        type=int,
        default=defaults.watertight_resolution,
        help="cells along each side of the volume that makes it",
    )


def add_up_argument(parser: argparse.ArgumentParser) -> None:
    """Add the option for meshes with z up."""
    parser.add_argument(
        "--up", choices=UP_AXES, default="y", help="axis of the meshes that points up"
    )


def settings_from(args: argparse.Namespace) -> BuildSettings:
    """Return the settings that the options name.

    Raises:
        ConfigError: A value is out of range.
    """
    return BuildSettings(
        layout=args.layout,
        views=args.views,
        resolution=(
            LAYOUTS[args.layout].resolution
            if args.resolution is None
            else args.resolution
        ),
        supersample=args.supersample,
        voxel_resolution=args.voxel_resolution,
        num_points=args.num_points,
        num_surface_points=args.num_surface_points,
        hidden_surface=args.hidden_surface,
        padding=args.padding,
        uniform_ratio=args.uniform_ratio,
        sigma=args.sigma,
        float16=args.float16,
        packbits=args.packbits,
        watertight=args.watertight,
        watertight_resolution=args.watertight_resolution,
        seed=args.seed,
        split=tuple(args.split),
        up=getattr(args, "up", "y"),
        variants=args.variants,
        yaw_ranges=tuple(args.yaw_ranges),
        limited_resolution=args.limited_resolution,
        parts=args.parts,
    )


def num_workers(args: argparse.Namespace) -> int:
    """Return the number of worker processes."""
    if args.workers is None:
        return (
            len(os.sched_getaffinity(0))
            if sys.platform == "linux"
            else (os.cpu_count() or 1)
        )
    return max(args.workers, 0)


def print_report(report: BuildReport) -> int:
    """Print failures, counts and the path of the result; return the exit code.

    Returns:
        0 if the data set has at least one object, else 1.
    """
    if report.failures:
        print(f"{len(report.failures)} meshes gave no object:", file=sys.stderr)
        for reason in report.failures.values():
            print(f"  {reason}", file=sys.stderr)
    rate = report.built / report.seconds if report.seconds else 0.0
    print(
        f"{report.built} objects built in {report.seconds:.1f} s ({rate:.2f} per "
        f"second), {report.kept} kept from before, {len(report.failures)} failed"
    )
    print(report.root)
    return 0 if report.built + report.kept else 1
