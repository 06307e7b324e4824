# SPDX-License-Identifier: Apache-2.0
"""Reconstruct shapes from images with a trained model."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from svr3d.errors import DataError

if TYPE_CHECKING:
    from svr3d.apis import Reconstruction
    from svr3d.structures import Structure

FORMATS = ("glb", "obj", "binvox", "ply", "off")
SOME_FAILED = 1
TURNTABLE_VIEWS = 24
_TURNTABLE_COLUMNS = 6
_TURNTABLE_ELEVATION = 30.0

_EPILOG = """examples:
  svr3d reconstruct model.pth chair.png --out outputs
  svr3d reconstruct model.pth front.png side.png back.png --multi-view --out outputs
  svr3d reconstruct model.pth folder_of_images --format glb --out outputs
Writes NAME.<format> for each format and NAME.png, the input beside views of the result;
of methods that tell poses NAME_pose.txt, azimuth and elevation of the image in degrees.
Exit code 0 if all objects were reconstructed, 1 if some were not, 2 if none was."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Reconstruct shapes from images with a trained model.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("checkpoint", help="file that training wrote")
    parser.add_argument(
        "images",
        nargs="+",
        metavar="IMAGE",
        help="images, or folders of them; with alpha or a plain background",
    )
    parser.add_argument("--out", required=True, help="folder to write into")
    parser.add_argument(
        "--multi-view",
        action="store_true",
        help="all given images show one object, and so do those of each folder",
    )
    parser.add_argument(
        "--format",
        nargs="+",
        choices=FORMATS,
        default=["glb", "obj", "binvox"],
        help="files to write (default: glb obj binvox)",
    )
    parser.add_argument(
        "--threshold",
        type=float,
        help="probability of what is solid (default: the checkpoint's best)",
    )
    parser.add_argument(
        "--surface",
        choices=("smooth", "cubes"),
        default="smooth",
        help="how voxels become a mesh",
    )
    parser.add_argument("--device", help="cpu, cuda, cuda:1 ... (default: GPU if any)")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument(
        "--turntable",
        type=int,
        nargs="?",
        const=TURNTABLE_VIEWS,
        metavar="VIEWS",
        help="write NAME_turntable.png, the shape from around it (%(const)s views)",
    )
    parser.add_argument(
        "--animation", action="store_true", help="write NAME.gif, the shape turning"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Reconstruct shapes and write them.

    Args:
        argv: Arguments; those of the process if None.

    Returns:
        0 if all objects were reconstructed, 1 if some were not.

    Raises:
        SVR3DError: The checkpoint cannot be used, or no object was reconstructed.
    """
    parser = _parser()
    args = parser.parse_args(argv)
    if args.threshold is not None and not 0 < args.threshold < 1:
        parser.error(f"--threshold: expected 0 < t < 1, found {args.threshold}")
    if args.turntable is not None and args.turntable < 1:
        parser.error(f"--turntable: expected at least 1, found {args.turntable}")
    if args.batch_size < 1:
        parser.error(f"--batch-size: expected at least 1, found {args.batch_size}")
    from svr3d.apis import Reconstructor, find_objects

    objects = find_objects(args.images, multi_view=args.multi_view)
    out = Path(args.out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"--out {out}: cannot be made: {error.strerror}") from error
    reconstructor = Reconstructor(
        args.checkpoint, device=args.device, threshold=args.threshold
    )
    print(f"threshold {reconstructor.threshold:.2f} ({reconstructor.threshold_source})")
    failures: list[str] = []

    def note(name: str, error: Exception) -> None:
        failures.append(f"{name}: {error}")
        print(f"error: {name}: {error}", file=sys.stderr)

    done = 0
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        for result in reconstructor.reconstruct(
            objects, batch_size=args.batch_size, on_error=note
        ):
            try:
                paths = write_reconstruction(
                    result,
                    out,
                    formats=args.format,
                    surface=args.surface,
                    animation=args.animation,
                    turntable_views=args.turntable,
                )
            except (ValueError, OSError) as error:
                note(result.name, error)
                continue
            done += 1
            print(f"{result.name}: {', '.join(path.name for path in paths)}")
    if not done:
        raise DataError(f"none of {len(objects)} objects was reconstructed")
    if failures:
        print(f"{len(failures)} of {len(objects)} objects failed", file=sys.stderr)
    print(out)
    return SOME_FAILED if failures else 0


def write_reconstruction(
    result: Reconstruction,
    out: Path,
    *,
    formats: Sequence[str] = ("glb",),
    surface: str = "smooth",
    animation: bool = False,
    turntable_views: int | None = None,
) -> list[Path]:
    """Write one reconstruction with its picture.

    Args:
        result: What the model made of one object.
        out: Existing folder.
        formats: Endings of the files to write.
        surface: How voxels become a mesh, ``smooth`` or ``cubes``.
        animation: Write the turning shape too.
        turntable_views: Write a sheet of so many views around the shape too.

    Returns:
        The files that were written: shapes, picture, animation, pose.

    Raises:
        ValueError: Nothing reaches the threshold.
    """
    from svr3d.visualization import (
        BLUE,
        picture_grid,
        reconstruction_sheet,
        save_picture,
        save_turntable,
        turntable,
    )

    shape = drawable(result.shape)
    paths = [
        (result.shape if kind == "binvox" else shape).export(
            out / f"{result.name}.{kind}", mode=surface
        )
        for kind in formats
    ]
    sheet = reconstruction_sheet(result.pictures, shape)
    paths.append(save_picture(sheet, out / f"{result.name}.png"))
    if turntable_views is not None:
        views = turntable(
            shape, turntable_views, elevation=_TURNTABLE_ELEVATION, color=BLUE
        )
        rows = [
            list(views[start : start + _TURNTABLE_COLUMNS])
            for start in range(0, len(views), _TURNTABLE_COLUMNS)
        ]
        path = out / f"{result.name}_turntable.png"
        paths.append(save_picture(picture_grid(rows, cell_size=views.shape[1]), path))
    if animation:
        path = out / f"{result.name}.gif"
        paths.append(save_turntable(shape, path, color=BLUE))
    poses = getattr(result.shape, "poses", None)
    if poses is not None:
        path = out / f"{result.name}_pose.txt"
        path.write_text("{:.3f} {:.3f}\n".format(*poses[0].rad2deg().tolist()))
        paths.append(path)
    return paths


def drawable(shape: Structure) -> Structure:
    """Return the shape, or the mesh of a field, which is extracted once for all files.

    Args:
        shape: A batch of one sample.

    Raises:
        ValueError: Nothing reaches the threshold.
    """
    from svr3d.structures import OccupancyField, Voxels

    if isinstance(shape, Voxels) and not shape.binary().any():
        raise ValueError(
            f"no cell reaches the threshold {shape.threshold:.2f}, the largest "
            f"probability is {shape.probabilities.max():.3f}: use a lower --threshold"
        )
    if not isinstance(shape, OccupancyField):
        return shape
    mesh = shape.to_mesh().cpu()
    if len(mesh.faces[0]) == 0:
        highest = shape.to_voxels(32).probabilities.max()
        raise ValueError(
            f"no point reaches the threshold {shape.threshold:.2f}, the largest "
            f"probability found is {highest:.3f}: use a lower --threshold"
        )
    return mesh


def _show_warning(message, category, filename, lineno, file=None, line=None) -> None:
    print(f"warning: {message}", file=sys.stderr)


if __name__ == "__main__":
    from svr3d.cli.main import run

    run(main)
