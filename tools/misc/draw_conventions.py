# SPDX-License-Identifier: Apache-2.0
"""Draw the pictures of docs/conventions.md with the package's own cameras and ops."""

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import torch
import trimesh
from PIL import Image

from svr3d.datasets.rng import SampleRandom
from svr3d.datasets.transforms import CenterCrop, RandomFlip
from svr3d.geometry.cameras import (
    camera_centres,
    choy_intrinsics,
    orbit_camera,
    project,
)
from svr3d.io.mesh_data import MeshData
from svr3d.ops import voxelize_meshes
from svr3d.renderers import ColorRenderer

AXES = (("x", "tab:red"), ("y", "tab:green"), ("z", "tab:blue"))
BOXES = (  # lower corner, upper corner, colour; one arm only, so that sides differ
    ((-0.3, -0.05, -0.3), (0.3, 0.05, 0.3), (190, 150, 90)),
    ((-0.3, 0.05, -0.3), (0.3, 0.5, -0.2), (150, 110, 60)),
    ((0.2, 0.05, -0.2), (0.3, 0.25, 0.3), (230, 120, 40)),
    *(
        ((x, -0.5, z), (x + 0.1, -0.05, z + 0.1), (120, 90, 60))
        for x in (-0.3, 0.2)
        for z in (-0.3, 0.2)
    ),
)
ANGLES = (50.0, 27.0, 1.9)
SIDE_ANGLES = (140.0, 30.0, 1.7)


def make_chair() -> MeshData:
    """Return a chair of boxes in the object frame with an arm at +x."""
    parts, colors = [], []
    for low, high, color in BOXES:
        parts.append(trimesh.creation.box(bounds=[low, high]))
        colors += [(*color, 255)] * len(parts[-1].faces)
    mesh = trimesh.util.concatenate(parts)
    return MeshData(
        mesh.vertices, mesh.faces, face_colors=np.array(colors, dtype=np.uint8)
    )


def plotted(points):
    """Return points (N, 3) as columns of matplotlib, whose z axis points up."""
    x, y, z = np.asarray(points, float).reshape(-1, 3).T
    return x, -z, y


def draw_box(axes, low, high, **style):
    """Draw the edges of a box."""
    corners = np.array(np.meshgrid(*zip(low, high, strict=True))).T.reshape(-1, 3)
    for first in corners:
        for second in corners:
            if (first != second).sum() == 1 and (first <= second).all():
                axes.plot(*plotted([first, second]), **style)


def draw_arrow(axes, start, direction, name, color, gap=1.12):
    """Draw a named arrow."""
    start, direction = np.asarray(start, float), np.asarray(direction, float)
    arrow = [column[0] for column in plotted(direction)]
    base = [column[0] for column in plotted(start)]
    axes.quiver(*base, *arrow, color=color, arrow_length_ratio=0.15, linewidth=2)
    tip = [column[0] for column in plotted(start + gap * direction)]
    axes.text(*tip, name, color=color, fontsize=11, ha="center", va="center")


def new_scene(reach, middle=(0, 0, 0)):
    """Return a figure and its axes without ticks, seen from in front and above."""
    x, y, z = (value[0] for value in plotted(middle))
    figure = plt.figure(figsize=(5, 4.4))
    axes = figure.add_axes((0, 0, 1, 1), projection="3d")
    axes.set(xlim=(x - reach, x + reach), ylim=(y - reach, y + reach))
    axes.set_zlim(z - reach, z + reach)
    axes.set_box_aspect((1, 1, 1), zoom=1.25)
    axes.view_init(22, -62)
    axes.set_axis_off()
    return figure, axes


def draw_object(path: Path) -> None:
    """Draw the object frame, the voxel grid's order and one cell."""
    figure, axes = new_scene(0.62)
    draw_box(axes, [-0.5] * 3, [0.5] * 3, color="0.6", linewidth=1)
    for low, high, color in BOXES:
        draw_box(axes, low, high, color=np.array(color) / 255, linewidth=1.2)
    for number, (name, color) in enumerate(AXES):
        draw_arrow(axes, [0, 0, 0], 0.72 * np.eye(3)[number], name, color)
    cell = np.array([6, 1, 7]) / 8 - 0.5
    draw_box(axes, cell, cell + 1 / 8, color="magenta", linewidth=2)
    label = [column[0] for column in plotted(cell + [0.16, -0.02, 0.12])]
    axes.text(*label, "voxels[6, 1, 7], R = 8", color="magenta", fontsize=9)
    for corner in (np.full(3, -0.5), np.full(3, 0.5)):
        axes.plot(*plotted(corner), "ko", markersize=5)
    low, high = (
        [column[0] for column in plotted(np.full(3, side))] for side in (-0.52, 0.52)
    )
    axes.text(*low, "(-0.5, -0.5, -0.5)", fontsize=8, ha="left", va="top")
    axes.text(*high, "(0.5, 0.5, 0.5)", fontsize=8)
    figure.savefig(path, dpi=90)
    plt.close(figure)


def draw_camera(path: Path) -> None:
    """Draw a camera with its axes and the angles of its place."""
    figure, axes = new_scene(1.12, (-0.45, 0.35, 0.3))
    draw_box(axes, [-0.5] * 3, [0.5] * 3, color="0.6", linewidth=1)
    for number, (name, color) in enumerate(AXES):
        draw_arrow(axes, [0, 0, 0], 0.8 * np.eye(3)[number], name, color)
    extrinsics = orbit_camera(
        *(torch.tensor([a], dtype=torch.float64) for a in SIDE_ANGLES)
    )
    centre = camera_centres(extrinsics)[0].numpy()
    rotation = extrinsics[0, :, :3].numpy()
    names = ("x right", "y down", "z forward")
    for row, name, (_, color) in zip(rotation, names, AXES, strict=True):
        draw_arrow(axes, centre, 0.45 * row, name, color, gap=1.5)
    axes.plot(*plotted([[0, 0, 0], centre]), "k--", linewidth=1)
    foot = centre * [1, 0, 1]
    axes.plot(*plotted([[0, 0, 0], foot, centre]), "k:", linewidth=1)
    turn = np.radians(np.linspace(0, SIDE_ANGLES[0], 30))
    arc = 0.62 * np.column_stack([np.cos(turn), 0 * turn, np.sin(turn)])
    axes.plot(*plotted(arc), color="tab:purple", linewidth=2)
    place = [column[0] for column in plotted(arc[12] * 1.25)]
    axes.text(*place, "azimuth", color="tab:purple")
    lift = np.radians(np.linspace(0, SIDE_ANGLES[1], 30))[:, None]
    forward = foot / np.linalg.norm(foot)
    arc = 0.9 * (np.cos(lift) * forward + np.sin(lift) * [0, 1, 0])
    axes.plot(*plotted(arc), color="tab:orange", linewidth=2)
    place = [column[0] for column in plotted(arc[10] * 1.08)]
    axes.text(*place, "elevation", color="tab:orange", ha="right")
    place = [column[0] for column in plotted(centre * 0.45 + [0, 0.12, 0])]
    axes.text(*place, "distance", ha="left")
    figure.savefig(path, dpi=90)
    plt.close(figure)


def draw_pixels(path: Path) -> None:
    """Draw what crop and mirroring do to a view, with axes and voxels projected."""
    chair = make_chair()
    extrinsics = orbit_camera(*(torch.tensor([a], dtype=torch.float64) for a in ANGLES))
    intrinsics = choy_intrinsics()[None]
    view = ColorRenderer(137, 137, background=(255, 255, 255)).render(
        chair, extrinsics, intrinsics
    )[..., :3]
    grid = voxelize_meshes(
        torch.from_numpy(chair.vertices), torch.from_numpy(chair.faces), 32
    )
    centres = (torch.nonzero(grid).double() + 0.5) / 32 - 0.5
    seed = next(s for s in range(99) if SampleRandom(s).python.randint(0, 1))
    whole = {
        "images": view.astype(np.float32) / 255,
        "intrinsics": intrinsics,
        "extrinsics": extrinsics,
        "rng": SampleRandom(seed),
    }
    cut = CenterCrop((127, 127), (96, 96))(whole)
    panels = [
        ("rendering, 137 x 137", whole, False),
        ("voxels[x, y, z] on it", whole, True),
        ("crop 96, resized to 127", cut, False),
        ("mirrored: focal length x < 0", RandomFlip()(cut), False),
    ]
    figure, row = plt.subplots(1, 4, figsize=(12, 3.2), layout="constrained")
    for axes, (title, sample, dots) in zip(row, panels, strict=True):
        cameras = sample["extrinsics"], sample["intrinsics"]
        height, width = sample["images"].shape[1:3]
        axes.imshow(sample["images"][0].clip(0, 1), extent=(0, width, height, 0))
        axes.set_title(title, fontsize=10)
        axes.set(xlim=(0, width), ylim=(height, 0))
        if dots:
            found, _ = project(centres, *cameras)
            axes.scatter(*found[0].T, s=0.4, color="tab:cyan")
            continue
        for number, (name, color) in enumerate(AXES):
            ends = torch.zeros(2, 3, dtype=torch.float64)
            ends[1, number] = 0.5
            start, end = project(ends, *cameras)[0][0].tolist()
            arrow = dict(arrowstyle="->", color=color, linewidth=2)
            axes.annotate("", end, start, arrowprops=arrow)
            tip = [1.2 * e - 0.2 * s for s, e in zip(start, end, strict=True)]
            style = dict(color=color, fontsize=11, ha="center", va="center")
            axes.text(*tip, name, **style)
    figure.savefig(path, dpi=75)
    plt.close(figure)


def main(argv: list[str] | None = None) -> int:
    """Draw all pictures and print where they are."""
    parser = argparse.ArgumentParser(description=__doc__)
    root = Path(__file__).resolve().parents[2]
    parser.add_argument("--out", type=Path, default=root / "docs" / "assets")
    out = parser.parse_args(argv).out
    out.mkdir(parents=True, exist_ok=True)
    for name, draw in (
        ("object", draw_object),
        ("camera", draw_camera),
        ("pixels", draw_pixels),
    ):
        path = out / f"conventions_{name}.png"
        draw(path)
        # A palette makes the files a third as large.
        Image.open(path).convert("RGB").quantize(128).save(path, optimize=True)
    print(out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
