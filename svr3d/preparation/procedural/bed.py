# SPDX-License-Identifier: Apache-2.0
"""Beds: single, double, four-poster and bunk beds."""

import numpy as np

from svr3d.io.meshes import MeshData
from svr3d.preparation.procedural.draws import Draws, darker
from svr3d.preparation.procedural.part_builder import PartBuilder


def make_bed(draws: Draws) -> MeshData:
    """Return a bed whose head is at -z."""
    parts = PartBuilder()
    double = draws.chance(0.55)
    width = draws.length(1.4, 1.9) if double else draws.length(0.8, 1.1)
    length = draws.length(1.9, 2.15)
    low = draws.length(0.12, 0.3)
    frame, cover = draws.color("wood", "metal", "paint"), draws.color("fabric")
    kind = draws.pick(("plain", "plain", "plain", "posts", "bunk"))
    kind = "plain" if kind == "bunk" and double else kind
    levels = (low,) if kind != "bunk" else (low, low + draws.length(0.85, 1.0))
    for level in levels:
        _lying(parts, draws, width, length, level, frame, cover, 2 if double else 1)
    top = levels[-1] + draws.length(0.5, 0.9)
    if kind == "plain":
        _boards(parts, draws, width, length, low, frame)
        for x in (-width / 2 + 0.05, width / 2 - 0.05):
            for z in (-length / 2 + 0.05, length / 2 - 0.05):
                parts.box((x, low / 2, z), (0.08, low, 0.08), color=frame)
        return parts.build()
    top = top + 0.9 if kind == "posts" else top
    for x in (-width / 2, width / 2):
        for z in (-length / 2, length / 2):
            parts.box((x, top / 2, z), (0.07, top, 0.07), color=frame)
    if kind == "posts":
        for sign in (-1, 1):
            parts.box((sign * width / 2, top, 0), (0.05, 0.06, length), color=frame)
            parts.box((0, top, sign * length / 2), (width, 0.06, 0.05), color=frame)
        _boards(parts, draws, width, length, low, frame)
        return parts.build()
    for sign in (-1, 1):
        rail = (sign * width / 2, levels[-1] + 0.4, -length * 0.1)
        parts.box(rail, (0.04, 0.08, length * 0.8), color=frame)
    for y in np.arange(0.25, levels[-1], 0.28):
        parts.box((width / 2 + 0.04, y, length * 0.38), (0.04, 0.04, 0.36), color=frame)
    for z in (length * 0.3, length * 0.46):
        size = (0.05, levels[-1] + 0.3, 0.05)
        parts.box((width / 2 + 0.04, size[1] / 2, z), size, color=frame)
    return parts.build()


def _lying(parts, draws, width, length, low, frame, cover, pillows):
    """Add slab, mattress, blanket and pillows at one level."""
    rail, mattress = draws.length(0.08, 0.2), draws.length(0.14, 0.26)
    white = draws.color("linen")
    parts.box((0, low + rail / 2, 0), (width, rail, length), color=frame)
    y = low + rail + mattress / 2
    parts.box((0, y, 0), (width * 0.95, mattress, length * 0.96), color=white)
    share = draws.length(0.5, 0.8)
    center = (0, y + 0.02, length * (0.97 - share) / 2)
    size = (width * 0.99, mattress * 0.95, length * share)
    parts.box(center, size, color=cover, taper=(0.96, 1))
    wide = width / pillows * 0.7
    for index in range(pillows):
        x = (index - (pillows - 1) / 2) * width * 0.46
        place = (x, low + rail + mattress + 0.03, -length * 0.38)
        parts.ellipsoid(place, (wide / 2, 0.09, 0.2), color=white, sides=12)


def _boards(parts, draws, width, length, low, frame):
    """Add a head board, solid or barred, and sometimes a foot board."""
    rise = low + draws.length(0.5, 1.0)
    z = -length / 2 - 0.02
    if draws.chance(0.65):
        taper = (draws.length(0.75, 1.0), 1)
        center, size = (0, rise / 2, z), (width * 1.04, rise, draws.length(0.05, 0.14))
        parts.box(center, size, color=darker(frame, 0.9), taper=taper)
    else:
        parts.box((0, rise, z), (width * 1.04, 0.07, 0.06), color=frame)
        for x in np.linspace(-width * 0.5, width * 0.5, draws.count(5, 9)):
            parts.tube((x, 0, z), (x, rise, z), 0.02, color=frame, sides=6)
    if draws.chance(0.5):
        tall = low + draws.length(0.3, 0.5)
        center = (0, tall / 2, length / 2 + 0.02)
        parts.box(center, (width * 1.04, tall, 0.06), color=darker(frame, 0.9))
