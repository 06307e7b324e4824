# SPDX-License-Identifier: Apache-2.0
"""Boats: rowing boats, sailing boats, motor boats and freighters."""

import numpy as np

from svr3d.io.meshes import MeshData
from svr3d.preparation.procedural.draws import Draws, darker
from svr3d.preparation.procedural.part_builder import PartBuilder


def make_boat(draws: Draws) -> MeshData:
    """Return a boat that sails towards +z."""
    parts = PartBuilder()
    kind = draws.pick(("row", "sail", "motor", "freighter"))
    length = {"row": 3.5, "sail": 8.0, "motor": 8.0, "freighter": 30.0}[kind]
    length *= draws.length(0.85, 1.2)
    beam = length * draws.length(0.2, 0.36) * (0.75 if kind == "freighter" else 1)
    deep = length * draws.length(0.09, 0.16)
    paint, wood = draws.color("paint", "wood"), draws.color("wood")
    stern = draws.length(0.5, 0.95)
    _hull(parts, length, beam, deep, stern, paint)
    if kind == "row":
        for share in np.linspace(-0.25, 0.2, draws.count(2, 3)):
            center = (0, deep * 1.02, share * length)
            parts.box(center, (beam * 0.8, 0.08, length * 0.06), color=wood)
        for sign in (-1, 1):
            parts.tube(
                (sign * beam * 0.1, deep * 1.15, 0),
                (sign * beam * 1.1, deep * 1.0, -length * 0.1),
                0.04,
                color=wood,
                sides=6,
            )
    elif kind == "sail":
        _rig(parts, draws, length, beam, deep, wood)
    elif kind == "motor":
        _cabin(parts, draws, length, beam, deep)
    else:
        _cargo(parts, draws, length, beam, deep)
    return parts.build()


def _hull(parts, length, beam, deep, stern, paint):
    """Loft half-ellipse sections from stern to bow; a lighter deck lies on top."""
    stations = [
        (-0.5, stern, 0.25),
        (-0.25, 0.97, 0.06),
        (0.05, 1.0, 0.0),
        (0.3, 0.72, 0.08),
        (0.44, 0.3, 0.3),
        (0.5, 0.04, 0.6),
    ]
    angles = np.linspace(np.pi, 2 * np.pi, 11)
    loops = np.zeros((len(stations), 11, 3))
    for index, (z, wide, keel) in enumerate(stations):
        rise = deep * 0.25 * max(z, 0) * 2
        loops[index, :, 0] = beam / 2 * wide * np.cos(angles)
        loops[index, :, 1] = deep + rise + deep * (1 - keel) * np.sin(angles)
        loops[index, :, 2] = length * z
    parts.loft(loops, paint)
    for start, end in zip(stations[:-1], stations[1:], strict=True):  # the rail
        for sign in (-1, 1):
            ends = [
                (sign * beam / 2 * wide, deep + deep * 0.25 * max(z, 0) * 2, length * z)
                for z, wide, _ in (start, end)
            ]
            parts.tube(*ends, deep * 0.09, color=darker(paint, 0.6), sides=6)


def _rig(parts, draws, length, beam, deep, wood):
    """Add mast, boom, sails as thin wedges, and a low cabin."""
    tall = length * draws.length(0.8, 1.2)
    foot = length * draws.length(0.05, 0.15)
    cloth = draws.color("linen", "fabric")
    parts.tube((0, deep * 0.5, foot), (0, deep + tall, foot), 0.07, color=wood)
    boom = deep + tall * 0.1
    back = foot - length * draws.length(0.3, 0.48)
    parts.tube((0, boom, foot), (0, boom, back), 0.06, color=wood, sides=8)
    sail = [(foot, boom), (back, boom), (foot, deep + tall * 0.97)]
    parts.prism(sail, -0.06, 0.06, color=cloth)
    if draws.chance(0.7):
        jib = [
            (length * 0.47, deep * 1.3),
            (foot + 0.2, boom),
            (foot + 0.1, deep + tall * draws.length(0.6, 0.9)),
        ]
        parts.prism(jib, -0.06, 0.06, color=draws.color("linen", "fabric"))
    size = (beam * 0.5, deep * 0.6, length * 0.3)
    parts.box(
        (0, deep * 1.25, foot - length * 0.12), size, color=wood, taper=(0.8, 0.8)
    )


def _cabin(parts, draws, length, beam, deep):
    """Add a cabin with a window band, sometimes an upper deck or a windscreen."""
    body, glass = draws.color("linen", "paint"), (56, 70, 88)
    tall, long = deep * draws.length(0.8, 1.4), length * draws.length(0.25, 0.42)
    z = length * draws.length(-0.12, 0.05)
    y = deep + tall / 2
    taper = (0.85, draws.length(0.7, 0.9))
    parts.box((0, y, z), (beam * 0.7, tall, long), color=body, taper=taper)
    size = (beam * 0.68, tall * 0.3, long * 0.95)
    parts.box((0, y + tall * 0.12, z), size, color=glass)
    if draws.chance(0.5):
        top = (0, deep + tall * 1.3, z - long * 0.1)
        parts.box(top, (beam * 0.5, tall * 0.6, long * 0.5), color=body, taper=taper)
    motor = (0, deep, -length * 0.52)
    parts.box(motor, (beam * 0.2, deep * 0.9, length * 0.06), color=(60, 62, 66))


def _cargo(parts, draws, length, beam, deep):
    """Add a bridge with a funnel astern, and containers or cranes before it."""
    body = draws.color("linen", "paint")
    tall = deep * draws.length(1.2, 2.0)
    z = -length * 0.36
    parts.box((0, deep + tall / 2, z), (beam * 0.8, tall, length * 0.1), color=body)
    parts.box(
        (0, deep + tall * 0.85, z),
        (beam * 0.82, tall * 0.12, length * 0.102),
        color=(56, 70, 88),
    )
    parts.tube(
        (0, deep, z - length * 0.075),
        (0, deep + tall * 1.2, z - length * 0.075),
        beam * 0.11,
        color=draws.color("paint"),
    )
    rows = draws.count(3, 6)
    for row in range(rows):
        place = length * (-0.24 + 0.56 * (row + 0.5) / rows)
        step = length * 0.56 / rows * 0.9
        for column in (-1, 0, 1):
            stack = deep * 0.45 * draws.count(0, 3)
            if stack:
                center = (column * beam * 0.25, deep + stack / 2, place)
                parts.box(
                    center, (beam * 0.24, stack, step), color=draws.color("paint")
                )
