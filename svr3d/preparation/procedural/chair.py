# SPDX-License-Identifier: Apache-2.0
"""Chairs: seat, supports, back and arm rests."""

import numpy as np

from svr3d.io.meshes import MeshData
from svr3d.preparation.procedural.draws import Draws, darker
from svr3d.preparation.procedural.legs import corner_legs, pedestal, side_frames
from svr3d.preparation.procedural.part_builder import PartBuilder


def make_chair(draws: Draws) -> MeshData:
    """Return a dining, office, sledge or lounge chair."""
    parts = PartBuilder()
    width, depth = draws.length(0.40, 0.56), draws.length(0.40, 0.54)
    height, thick = draws.length(0.38, 0.50), draws.length(0.03, 0.09)
    frame = draws.color("wood", "metal")
    cover = draws.color("fabric", "wood", "paint")
    support = draws.pick(("legs", "legs", "pedestal", "sledge"))
    if support == "legs":
        bar = draws.length(0.025, 0.045)
        corner_legs(
            parts,
            draws,
            width=width,
            depth=depth,
            height=height,
            color=frame,
            thickness=bar,
        )
        if draws.chance(0.35):
            low = height * draws.length(0.2, 0.5)
            for sign in (-1, 1):
                size = (bar * 0.7, bar * 0.7, depth - 2 * bar)
                parts.box((sign * (width / 2 - bar), low, 0), size, color=frame)
            parts.box((0, low, 0), (width - 2 * bar, bar * 0.7, bar), color=frame)
    elif support == "pedestal":
        radius = draws.length(0.2, 0.28)
        pedestal(parts, draws, height=height, radius=radius, color=frame)
    else:
        side_frames(
            parts,
            width=width,
            depth=depth,
            height=height,
            color=frame,
            thickness=draws.length(0.025, 0.045),
        )
    if draws.chance(0.25):
        radius = (width + depth) / 4
        rim = [(radius * 0.92, 0), (radius, thick / 2), (radius * 0.92, thick)]
        parts.lathe(rim, center=(0, height, 0), color=cover)
    else:
        center = (0, height + thick / 2, 0)
        parts.box(center, (width, thick, depth), color=cover)
    _back(parts, draws, width, depth, height + thick, frame, cover)
    if draws.chance(0.4):
        _arms(parts, draws, width, depth, height + thick, frame, cover)
    return parts.build()


def _back(parts, draws, width, depth, seat, frame, cover):
    """Add a solid, slatted, barred or framed back, leaning backward."""
    rise = draws.length(0.32, 0.72)
    lean = draws.length(0.02, 0.16)
    thick = draws.length(0.025, 0.06)
    z = -depth / 2 + thick / 2
    style = draws.pick(("solid", "slats", "bars", "frame", "low"))
    if style in ("solid", "low"):
        slope = lean / rise
        rise = rise * 0.6 if style == "low" else rise
        gap = draws.length(0.0, 0.4) * rise
        taper = (draws.length(0.7, 1.0), 0.8)
        center = (0, seat + (gap + rise) / 2, z - slope * gap)
        size = (width * draws.length(0.85, 1.0), rise - gap, thick)
        shift = (0, -slope * (rise - gap))
        parts.box(center, size, color=cover, taper=taper, shift=shift)
        if gap > 0.01:
            for x in (-width / 4, width / 4):
                parts.tube(
                    (x, seat - 0.02, z),
                    (x, seat + gap + 0.05, z - slope * (gap + 0.05)),
                    0.014,
                    color=frame,
                )
        return
    posts = (-(width / 2 - 0.02), width / 2 - 0.02)
    for x in posts:
        top = (x, seat + rise, z - lean)
        parts.tube((x, seat - 0.03, z), top, 0.02, color=frame, sides=8)
    rail = (width, draws.length(0.04, 0.1), thick)
    parts.box((0, seat + rise, z - lean), rail, color=frame)
    if style == "slats":
        for share in np.linspace(0.25, 0.8, draws.count(2, 5)):
            center = (0, seat + share * rise, z - share * lean)
            parts.box(center, (width - 0.03, 0.045, 0.02), color=darker(cover, 0.9))
    elif style == "bars":
        for x in np.linspace(posts[0], posts[1], draws.count(4, 8))[1:-1]:
            top = (x, seat + rise, z - lean)
            parts.tube((x, seat - 0.02, z), top, 0.011, color=frame, sides=6)
    else:
        center = (0, seat + rise * 0.6, z - lean * 0.6)
        parts.box(
            center,
            (width - 0.02, rise * 0.5, 0.03),
            color=cover,
            shift=(0, -lean * 0.5),
        )


def _arms(parts, draws, width, depth, seat, frame, cover):
    """Add arm rests on posts, or closed sides."""
    rise = draws.length(0.16, 0.26)
    closed = draws.chance(0.3)
    for sign in (-1, 1):
        x = sign * (width / 2 + 0.015)
        if closed:
            center = (x, seat + rise / 2 - 0.03, 0)
            parts.box(center, (0.05, rise + 0.06, depth), color=cover)
            continue
        parts.box((x, seat + rise, 0), (0.05, 0.03, depth * 0.95), color=frame)
        for z in (-depth * 0.4, depth * 0.35):
            parts.box(
                (x, seat + rise / 2 - 0.03, z), (0.03, rise + 0.06, 0.03), color=frame
            )
