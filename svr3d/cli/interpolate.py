# SPDX-License-Identifier: Apache-2.0
"""Reconstruct what lies between two objects in a method's code space."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from svr3d.engine.config_options import add_config_arguments, apply_options
from svr3d.errors import ConfigError, DataError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from svr3d.apis import Reconstructor
    from svr3d.structures import Structure

FORMATS = ("glb", "obj", "ply", "off")
STEPS = 5
_COLUMNS = 10

_EPILOG = """examples:
  svr3d interpolate model.pth chair.png stool.png --out between
  svr3d interpolate model.pth --samples chair/a chair/b --steps 12 --out between \\
      --cfg-options data_root=data/mine
Writes A_B_<i> as each format and as .png, from A (0) to B; A_B.png, all of them on one
sheet; and A_B.gif, the way there and back. More than two objects are visited in turn.
The last line printed is the folder."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Reconstruct what lies between two objects in a method's codes.",
        usage="%(prog)s CHECKPOINT (IMAGE IMAGE | --samples ID ID) --out DIR [options]",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("checkpoint", help="file that training wrote")
    add("images", nargs="*", metavar="IMAGE", help="two images or more, one per object")
    add(
        "--samples",
        nargs="+",
        default=[],
        metavar="ID",
        help="samples of the checkpoint's data set in place of images, by identifier "
        "(<category>/<object>) or position",
    )
    add(
        "--split",
        choices=("train", "val", "test"),
        default="test",
        help="of the samples (default: %(default)s)",
    )
    add("--out", required=True, metavar="DIR", help="folder to write into")
    add(
        "--steps",
        type=int,
        default=STEPS,
        help="from one object to the next (default: %(default)s, as published)",
    )
    add(
        "--format",
        nargs="*",
        choices=FORMATS,
        default=["obj", "glb"],
        help="files of each shape (default: obj glb)",
    )
    add("--threshold", type=float, help="as of svr3d reconstruct")
    add("--azimuth", type=float, help="of the pictures, degrees")
    add("--size", type=int, default=256, help="of a picture in pixels (%(default)s)")
    add(
        "--seconds",
        type=float,
        default=3.0,
        help="of the animation, one way (%(default)s)",
    )
    add("--device", help="cpu, cuda, cuda:1 ... (default: GPU if any)")
    add_config_arguments(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Write the shapes between two objects.

    Args:
        argv: Arguments; those of the process if None.

    Returns:
        0.

    Raises:
        SVR3DError: If checkpoint, images or samples are wrong, or the method has no
            code.
    """
    parser = _parser()
    args = parser.parse_intermixed_args(argv)
    stops = args.samples or args.images
    if len(stops) < 2 or (args.samples and args.images):
        parser.error(
            "expected two images or two --samples or more of one kind, found "
            f"{len(args.images)} images and {len(args.samples)} samples"
        )
    if args.steps < 1 or args.size < 16 or args.seconds <= 0:
        parser.error(
            "expected --steps >= 1, --size >= 16 and --seconds > 0, found "
            f"{args.steps}, {args.size} and {args.seconds:g}"
        )
    if args.threshold is not None and not 0 < args.threshold < 1:
        parser.error(f"--threshold: expected 0 < t < 1, found {args.threshold}")

    import torch

    from svr3d.analysis.interpolation import code_path
    from svr3d.apis import Reconstructor
    from svr3d.engine.runner import check_writable

    out = check_writable(args.out)
    reconstructor = Reconstructor(
        args.checkpoint, device=args.device, threshold=args.threshold
    )
    if args.samples:
        names, codes, pictures = _of_samples(reconstructor, args)
    else:
        names, codes, pictures = _of_images(reconstructor, args.images)
    shapes = reconstructor.decode(code_path(torch.cat(codes), args.steps))
    write_frames(list(shapes), out, names, args, stops=pictures)
    print(out)
    return 0


def write_frames(
    shapes: Sequence[Structure],
    out: Path,
    names: Sequence[str],
    args: argparse.Namespace,
    *,
    stops: Sequence[np.ndarray],
) -> None:
    """Write each shape, the sheet and the animation.

    Args:
        shapes: Batches of one sample, from the first object to the last.
        out: Existing folder.
        names: Of the objects, with which files begin.
        args: Of the command.
        stops: Pictures (H, W, 3) uint8 of the objects.

    Raises:
        DataError: If all shapes are empty.
    """
    from svr3d.cli.reconstruct import drawable
    from svr3d.visualization import (
        BLUE,
        common_radius,
        save_animation,
        save_picture,
        turntable,
    )
    from svr3d.visualization.turntable import FIRST_AZIMUTH

    name = "_".join(names)
    found: list[Structure | None] = []
    for index, shape in enumerate(shapes):
        try:
            found.append(drawable(shape))
        except ValueError as error:
            found.append(None)
            print(f"warning: {name}_{index}: {error}", file=sys.stderr)
    radius = common_radius([shape for shape in found if shape is not None])
    if radius is None:
        raise DataError(f"{name}: expected shapes, found {len(shapes)} empty ones")
    azimuth = FIRST_AZIMUTH if args.azimuth is None else args.azimuth
    frames = []
    for index, (shape, raw) in enumerate(zip(found, shapes, strict=True)):
        (frame,) = turntable(
            raw if shape is None else shape,
            1,
            size=args.size,
            first_azimuth=azimuth,
            color=BLUE,
            radius=radius,
        )
        paths = [save_picture(frame, out / f"{name}_{index}.png")]
        if shape is not None:
            paths += [
                shape.export(out / f"{name}_{index}.{kind}") for kind in args.format
            ]
        frames.append(frame)
        print(", ".join(path.name for path in paths))
    sheet = _sheet(frames, stops, size=min(args.size, 200))
    save_picture(sheet, out / f"{name}.png")
    path = out / f"{name}.gif"
    # There and back; the first and the last frame are not shown twice.
    save_animation(
        [*frames, *frames[-2:0:-1]],
        path,
        duration=2 * args.seconds,
    )
    print(f"{name}.png, {path.name}")


def _sheet(
    frames: Sequence[np.ndarray], stops: Sequence[np.ndarray], *, size: int
) -> np.ndarray:
    """Return the frames between the objects' pictures, in rows of ten at most."""
    from svr3d.visualization import picture_grid

    last = len(frames) - 1
    cells = [("input", stops[0])]
    cells += [(f"{index / last:.2f}", frame) for index, frame in enumerate(frames)]
    cells += [("input", stops[-1])]
    rows = [cells[start : start + _COLUMNS] for start in range(0, len(cells), _COLUMNS)]
    if len(rows) == 1:
        titles, pictures = zip(*cells, strict=True)
        return picture_grid([pictures], cell_size=size, column_titles=titles)
    return picture_grid(
        [[picture for _, picture in row] for row in rows],
        cell_size=size,
        row_titles=[f"{row[0][0]} to {row[-1][0]}" for row in rows],
    )


def _of_images(
    reconstructor: Reconstructor, images: Sequence[str]
) -> tuple[list[str], list[Tensor], list[np.ndarray]]:
    codes, pictures = [], []
    for image in images:
        code, seen = reconstructor.code([image])
        codes.append(code)
        pictures.append(seen[0])
    return [Path(image).stem for image in images], codes, pictures


def _of_samples(
    reconstructor: Reconstructor, args: argparse.Namespace
) -> tuple[list[str], list[Tensor], list[np.ndarray]]:
    import numpy as np
    import torch
    from torch.utils.data import default_collate

    from svr3d.cli.code_source import build_split
    from svr3d.visualization import image_to_picture

    cfg = reconstructor.config
    apply_options(cfg, args.cfg_options, verbose=False)
    dataset, _ = build_split(cfg, args.split)
    model = reconstructor.model
    names, codes, pictures = [], [], []
    for wanted in args.samples:
        sample = _find_sample(dataset, wanted, args.split)
        batch = default_collate([sample])
        with torch.no_grad():
            codes.append(model.code(model.data_preprocessor(batch, False)))
        names.append(str(sample["sample_id"]).rsplit("/", 1)[-1])
        blank = np.full((64, 64, 3), 255, np.uint8)
        seen = sample.get("images")
        pictures.append(
            blank if seen is None else image_to_picture(np.asarray(seen[0]))
        )
    return names, codes, pictures


def _find_sample(dataset, wanted: str, split: str) -> dict:
    """Return a sample by its identifier or position.

    Raises:
        ConfigError: If there is none.
    """
    known = list(getattr(dataset, "sample_ids", ()))
    if wanted in known:
        return dataset[known.index(wanted)]
    if wanted.isdigit() and int(wanted) < len(dataset):
        return dataset[int(wanted)]
    examples = ", ".join(known[:3])
    raise ConfigError(
        f"--samples {wanted}: expected a sample of split {split!r} or a position below "
        f"{len(dataset)}, found none; its samples are {examples} ..."
    )


if __name__ == "__main__":
    from svr3d.cli.main import run

    run(main)
