# SPDX-License-Identifier: Apache-2.0
"""Sofas: one to four seats, straight or with a chaise."""

from svr3d.io.meshes import MeshData
from svr3d.preparation.procedural.draws import Draws, darker
from svr3d.preparation.procedural.part_builder import PartBuilder


def make_sofa(draws: Draws) -> MeshData:
    """Return a sofa or an upholstered arm chair."""
    parts = PartBuilder()
    seats = draws.count(1, 4)
    seat_width, depth = draws.length(0.5, 0.7), draws.length(0.7, 0.95)
    arm = draws.length(0.08, 0.24)
    feet = draws.length(0.0, 0.16)
    base, cushion = draws.length(0.14, 0.26), draws.length(0.1, 0.18)
    cover = draws.color("fabric")
    pillow = darker(cover, 1.12) if draws.chance(0.6) else draws.color("fabric")
    pillow = tuple(min(value, 250) for value in pillow)
    inner = seats * seat_width
    outer = inner + 2 * arm
    back = draws.length(0.12, 0.24)
    seat = feet + base + cushion
    rise = draws.length(0.28, 0.5)
    parts.box((0, feet + base / 2, 0), (outer, base, depth), color=cover)
    for index in range(seats):
        x = (index - (seats - 1) / 2) * seat_width
        center = (x, feet + base + cushion / 2, back / 2)
        size = (seat_width * 0.97, cushion, depth - back)
        parts.box(center, size, color=pillow, taper=(0.97, 0.97))
        center = (x, seat + rise * 0.45, -depth / 2 + back * 1.25)
        size = (seat_width * 0.94, rise * 0.85, back * 0.8)
        parts.box(center, size, color=pillow, taper=(0.94, 0.7), shift=(0, -0.04))
    center = (0, feet + (seat - feet + rise) / 2, -depth / 2 + back / 2)
    size = (outer, seat - feet + rise, back)
    parts.box(center, size, color=cover, taper=(1, draws.length(0.6, 1.0)))
    _arms(parts, draws, outer, depth, arm, feet, seat, cover)
    if seats >= 2 and draws.chance(0.3):
        side = draws.pick((-1, 1))
        length = draws.length(0.5, 0.8)
        x = side * (inner - seat_width) / 2
        center = (x, feet + base / 2, depth / 2 + length / 2)
        parts.box(center, (seat_width, base, length), color=cover)
        center = (x, feet + base + cushion / 2, depth / 2 + length / 2)
        parts.box(center, (seat_width * 0.97, cushion, length), color=pillow)
    if feet > 0.02:
        wood = draws.color("wood", "metal")
        for x in (-outer / 2 + 0.06, outer / 2 - 0.06):
            for z in (-depth / 2 + 0.06, depth / 2 - 0.06):
                parts.tube(
                    (x, feet + 0.02, z),
                    (x, 0, z),
                    0.03,
                    color=wood,
                    end_radius=0.02,
                    sides=8,
                )
    return parts.build()


def _arms(parts, draws, outer, depth, arm, feet, seat, cover):
    """Add box-shaped or rolled arms; some sofas have none above the seat."""
    style = draws.pick(("box", "box", "rolled", "none"))
    rise = draws.length(0.1, 0.24) if style != "none" else 0.0
    tall = seat + rise - feet
    for sign in (-1, 1):
        x = sign * (outer - arm) / 2
        parts.box((x, feet + tall / 2, 0), (arm, tall, depth), color=cover)
        if style == "rolled":
            parts.tube(
                (x, seat + rise, -depth / 2),
                (x, seat + rise, depth / 2),
                arm * 0.62,
                color=cover,
            )
