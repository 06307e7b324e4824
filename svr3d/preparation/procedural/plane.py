# SPDX-License-Identifier: Apache-2.0
"""Aeroplanes: airliners, propeller planes, biplanes and fighters."""

import numpy as np

from svr3d.io.meshes import MeshData
from svr3d.preparation.procedural.draws import Draws, darker
from svr3d.preparation.procedural.part_builder import PartBuilder


def make_plane(draws: Draws) -> MeshData:
    """Return a plane that flies towards +z."""
    parts = PartBuilder()
    kind = draws.pick(("airliner", "airliner", "propeller", "biplane", "fighter"))
    length = draws.length(8, 12)
    radius = length * draws.length(0.045, 0.075)
    paint, trim = draws.color("paint"), draws.color("paint")
    _fuselage(parts, draws, length, radius, paint, pointed=kind == "fighter")
    span = length * draws.length(0.36, 0.56)
    chord = length * draws.length(0.15, 0.24)
    sweep = length * draws.length(0.0, 0.05)
    if kind == "airliner":
        sweep = length * draws.length(0.1, 0.24)
    elif kind == "fighter":
        span, sweep = span * 0.65, length * draws.length(0.15, 0.3)
        chord = length * draws.length(0.28, 0.4)
    high = draws.chance(0.35)
    y = radius * (0.75 if high else -0.5)
    tip = draws.length(0.25, 0.5) if kind in ("airliner", "fighter") else 0.8
    place = length * draws.length(0.0, 0.08)
    rise = span * draws.length(0.0, 0.1)
    levels = (y,) if kind != "biplane" else (-radius * 0.8, radius * 1.5)
    for level in levels:
        _pair(parts, (level, place), (span, rise), (chord, chord * tip), sweep, paint)
    if kind == "biplane":
        for sign in (-1, 1):
            x = sign * span * 0.65
            for z in (place - chord * 0.2, place + chord * 0.25):
                parts.tube(
                    (x, -radius, z),
                    (x, radius * 1.5 + rise, z),
                    0.05,
                    color=trim,
                    sides=6,
                )
    _tail(parts, draws, length, radius, trim, paint)
    _engines(parts, draws, kind, length, radius, (span, y, place, sweep, rise), trim)
    return parts.build()


def _fuselage(parts, draws, length, radius, paint, pointed):
    """Add the body, a lofted tube, and a window band or a canopy."""
    stations = [
        (-0.5, 0.15, 0.45),
        (-0.36, 0.5, 0.25),
        (-0.15, 0.95, 0.02),
        (0.1, 1.0, 0.0),
        (0.34, 0.95, 0.0),
        (0.44, 0.68, -0.1),
        (0.5, 0.12 if pointed else 0.25, -0.2),
    ]
    angles = np.arange(14) * (2 * np.pi / 14)
    flat = draws.length(0.85, 1.1)
    loops = np.zeros((len(stations), 14, 3))
    for index, (z, size, rise) in enumerate(stations):
        loops[index, :, 0] = radius * size * np.cos(angles)
        loops[index, :, 1] = radius * (size * flat * np.sin(angles) + rise)
        loops[index, :, 2] = length * z
    parts.loft(loops, paint)
    glass = (60, 76, 96)
    if pointed or draws.chance(0.3):
        center = (0, radius * 0.85, length * 0.22)
        size = (radius * 0.6, radius * 0.6, length * 0.1)
        parts.ellipsoid(center, size, color=glass, sides=14)
    else:
        center = (0, radius * flat * 0.55, length * 0.425)
        parts.box(center, (radius * 1.25, radius * 0.35, length * 0.04), color=glass)


def _wing(parts, root, tip, chords, thick, color):
    """Add one wing between two centres of its edges, a six-cornered profile."""
    profile = np.array(
        [[0.5, 0], [0.2, 0.5], [-0.2, 0.4], [-0.5, 0], [-0.2, -0.4], [0.2, -0.5]]
    )
    span = np.asarray(tip, float) - root
    # Fins stand in the yz plane, wings lie in the xz plane.
    up = np.array([0.0, 1, 0]) if abs(span[0]) > abs(span[1]) else np.array([1.0, 0, 0])
    loops = [
        np.asarray(center)
        + profile[:, :1] * chord * np.array([0, 0, 1.0])
        + profile[:, 1:] * height * up
        for center, chord, height in (
            (root, chords[0], thick),
            (tip, chords[1], thick * max(chords[1] / chords[0], 0.3)),
        )
    ]
    parts.loft(np.stack(loops), color)


def _pair(parts, root, extent, chords, sweep, color):
    """Add a left and a right wing."""
    (y, z), (span, rise) = root, extent
    for sign in (-1, 1):
        tip = (sign * span, y + rise, z - sweep)
        _wing(parts, (0, y, z), tip, chords, chords[0] * 0.14, color)


def _tail(parts, draws, length, radius, trim, paint):
    """Add fin and stabilisers, low or on top of the fin."""
    chord, height = length * draws.length(0.1, 0.15), length * draws.length(0.1, 0.16)
    z, y = -length * 0.42, radius * 0.35
    fins = (0.0,) if draws.chance(0.85) else (-1.0, 1.0)
    for fin in fins:
        top = (fin * radius * 1.2, y + height, z - height * draws.length(0.3, 0.8))
        _wing(
            parts,
            (fin * radius * 0.3, y, z),
            top,
            (chord, chord * 0.5),
            chord * 0.14,
            trim,
        )
    level = y + (height * 0.95 if draws.chance(0.3) and len(fins) == 1 else 0.0)
    back = z - (height * 0.5 if level > y else 0.0)
    extent = (length * draws.length(0.13, 0.2), 0.0)
    _pair(parts, (level, back), extent, (chord * 0.8, chord * 0.4), chord * 0.4, paint)


def _engines(parts, draws, kind, length, radius, wing, trim):
    span, y, place, sweep, rise = wing
    metal = draws.color("metal")
    if kind == "airliner":
        size = radius * draws.length(0.35, 0.5)
        for share in (0.35,) if draws.chance(0.6) else (0.28, 0.55):
            for sign in (-1, 1):
                x, z = sign * span * share, place - sweep * share
                low = y + rise * share - size * 1.1
                parts.tube(
                    (x, low, z + size * 3),
                    (x, low, z - size * 1.5),
                    size,
                    color=trim,
                    end_radius=size * 0.7,
                )
                parts.box(
                    (x, low + size * 0.8, z), (size * 0.3, size, size * 3), color=metal
                )
        return
    if kind == "fighter":
        back = (0, radius * 0.4, -length * 0.53)
        parts.tube((0, radius * 0.3, -length * 0.3), back, radius * 0.5, color=metal)
        for sign in (-1, 1):
            center = (sign * radius * 0.95, -radius * 0.1, length * 0.05)
            size = (radius * 0.7, radius * 0.9, length * 0.3)
            parts.box(center, size, color=darker(trim), taper=(0.8, 0.9))
        return
    nose, reach = (0, -radius * 0.2, length * 0.5), radius * draws.length(1.6, 2.4)
    parts.ellipsoid(nose, (radius * 0.35,) * 3, color=metal, sides=10)
    blade = (reach * 2, radius * 0.22, radius * 0.12)
    center = (0, nose[1], nose[2] + radius * 0.2)
    for degrees in (0, 90) if draws.chance(0.5) else (20,):
        parts.box(center, blade, color=(60, 60, 62), turn=("z", degrees))
    for sign in (-1, 1):
        x = sign * radius * 1.1
        axle = (x, -radius * 2.0, place + radius)
        parts.tube(
            (sign * radius * 0.4, -radius * 0.5, place + radius * 0.6),
            axle,
            0.06,
            color=metal,
            sides=6,
        )
        parts.tube(
            (x - 0.08, *axle[1:]),
            (x + 0.08, *axle[1:]),
            radius * 0.5,
            color=(36, 36, 38),
        )
