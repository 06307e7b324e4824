# SPDX-License-Identifier: Apache-2.0
"""Benches: park benches, slabs and slatted seats."""

import numpy as np

from svr3d.io.meshes import MeshData
from svr3d.preparation.procedural.draws import Draws
from svr3d.preparation.procedural.legs import corner_legs, panels, side_frames
from svr3d.preparation.procedural.part_builder import PartBuilder


def make_bench(draws: Draws) -> MeshData:
    """Return a bench, with or without a back."""
    parts = PartBuilder()
    width, depth = draws.length(1.1, 2.0), draws.length(0.3, 0.5)
    height, thick = draws.length(0.38, 0.48), draws.length(0.03, 0.08)
    wood, frame = draws.color("wood", "paint"), draws.color("metal", "wood")
    space = {"width": width * draws.length(0.75, 1.0), "depth": depth}
    style = draws.pick(("legs", "panels", "sledge", "blocks"))
    if style == "legs":
        corner_legs(
            parts,
            draws,
            **space,
            height=height,
            color=frame,
            thickness=draws.length(0.03, 0.06),
        )
    elif style == "panels":
        panels(
            parts,
            **space,
            height=height,
            color=frame,
            thickness=draws.length(0.04, 0.1),
        )
    elif style == "sledge":
        side_frames(
            parts,
            **space,
            height=height,
            color=frame,
            thickness=draws.length(0.03, 0.06),
        )
    else:
        block = draws.length(0.18, 0.4)
        for sign in (-1, 1):
            center = (sign * (space["width"] - block) / 2, height / 2, 0)
            parts.box(
                center,
                (block, height, depth),
                color=frame,
                taper=(draws.length(0.7, 1.0), 1),
            )
    _slats(parts, draws, width, depth, height, thick, wood)
    if draws.chance(0.6):
        _back(parts, draws, width, depth, height, wood, frame)
    if draws.chance(0.35):
        rise = draws.length(0.18, 0.26)
        for sign in (-1, 1):
            x = sign * (width / 2 - 0.03)
            parts.box((x, height + rise, 0), (0.06, 0.035, depth), color=frame)
            for z in (-depth * 0.4, depth * 0.4):
                parts.box((x, height + rise / 2, z), (0.04, rise, 0.04), color=frame)
    return parts.build()


def _slats(parts, draws, width, depth, height, thick, color):
    """Add the seat: one slab, or slats along it on two cross bars."""
    slats = draws.pick((1, 1, 3, 4, 5))
    step = depth / slats
    for index in range(slats):
        z = (index + 0.5) * step - depth / 2
        size = (width, thick, step if slats == 1 else step * 0.8)
        parts.box((0, height + thick / 2, z), size, color=color)
    if slats > 1:
        for x in (-width * 0.36, width * 0.36):
            parts.box((x, height - 0.01, 0), (0.05, 0.04, depth * 0.96), color=color)


def _back(parts, draws, width, depth, height, color, frame):
    """Add boards along the bench, upright bars or one panel, on two posts."""
    rise, lean = draws.length(0.3, 0.5), draws.length(0.0, 0.14)
    z = -depth / 2 + 0.03
    for x in (-width * 0.42, width * 0.42):
        parts.tube(
            (x, height - 0.05, z),
            (x, height + rise, z - lean),
            0.03,
            color=frame,
            sides=6,
        )
    style = draws.pick(("boards", "bars", "panel"))
    if style == "boards":
        boards = draws.count(2, 4)
        for share in (np.arange(boards) + 1.0) / boards:
            center = (0, height + share * rise - 0.02, z - share * lean + 0.02)
            parts.box(center, (width, rise / boards * 0.55, 0.03), color=color)
    elif style == "bars":
        parts.box((0, height + rise, z - lean), (width, 0.06, 0.05), color=color)
        for x in np.linspace(-width * 0.4, width * 0.4, draws.count(6, 12)):
            parts.tube(
                (x, height, z),
                (x, height + rise, z - lean),
                0.014,
                color=color,
                sides=6,
            )
    else:
        center = (0, height + rise * 0.6, z - lean * 0.15)
        parts.box(
            center, (width, rise * 0.8, 0.04), color=color, shift=(0, -lean * 0.8)
        )
