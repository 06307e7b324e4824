# SPDX-License-Identifier: Apache-2.0
"""Cars: saloons, estates, vans, pick-ups and sports cars."""

import numpy as np

from svr3d.io.meshes import MeshData
from svr3d.preparation.procedural.draws import Draws, darker
from svr3d.preparation.procedural.part_builder import PartBuilder

_GLASS = (52, 66, 82)
_TYRE = (32, 32, 34)

# Cabin as shares of the length: foot of the windscreen, start and end of the roof,
# foot of the rear window; then roof height over body height.
_KINDS = {
    "saloon": ((0.22, 0.05, -0.22, -0.36), 0.95),
    "estate": ((0.22, 0.06, -0.40, -0.46), 0.95),
    "van": ((0.36, 0.24, -0.46, -0.48), 1.35),
    "pickup": ((0.20, 0.08, -0.10, -0.14), 1.05),
    "sports": ((0.16, 0.0, -0.18, -0.42), 0.7),
}


def make_car(draws: Draws) -> MeshData:
    """Return a car that drives towards +z."""
    parts = PartBuilder()
    kind = draws.pick(tuple(_KINDS))
    (screen, roof_start, roof_end, rear), tall = _KINDS[kind]
    length, width = draws.length(3.6, 4.9), draws.length(1.6, 1.95)
    wheel = draws.length(0.28, 0.4)
    clearance = wheel * draws.length(0.55, 0.8)
    waist = clearance + draws.length(0.45, 0.62) * (0.8 if kind == "sports" else 1)
    roof = waist + tall * draws.length(0.48, 0.62)
    paint = draws.color("paint")
    half = length / 2
    nose = waist - draws.length(0.08, 0.24)
    tail = waist - draws.length(0.0, 0.12)
    body = [
        (-half, clearance + 0.1),
        (-half + 0.08, clearance),
        (half - 0.08, clearance),
        (half, clearance + 0.12),
        (half - 0.03, nose),
        (screen * length, waist),
        (rear * length, waist),
        (-half + 0.03, tail),
    ]
    parts.prism(body, -width / 2, width / 2, color=paint, shrink=0.95)
    _cabin(
        parts, (screen, roof_start, roof_end, rear), length, width, waist, roof, paint
    )
    if kind == "pickup":
        for sign in (-1, 1):
            center = (sign * (width / 2 - 0.06), waist + 0.08, -length * 0.31)
            parts.box(center, (0.1, 0.24, length * 0.34), color=paint)
        center = (0, waist + 0.08, -half + 0.06)
        parts.box(center, (width * 0.96, 0.24, 0.08), color=paint)
    if kind == "sports" and draws.chance(0.6):
        parts.box(
            (0, waist + 0.2, -half + 0.12), (width * 0.9, 0.04, 0.25), color=paint
        )
        for x in (-width * 0.3, width * 0.3):
            parts.box((x, waist + 0.06, -half + 0.15), (0.05, 0.28, 0.1), color=paint)
    _wheels(parts, draws, length, width, wheel)
    _lamps(parts, half, width, nose, tail)
    return parts.build()


def _cabin(parts, shares, length, width, waist, roof, paint):
    """Add the glass house and a painted roof on it."""
    screen, roof_start, roof_end, rear = (share * length for share in shares)
    low = np.array([[-1, rear], [1, rear], [1, screen], [-1, screen]])
    top = np.array([[-1, roof_end], [1, roof_end], [1, roof_start], [-1, roof_start]])
    loops = np.zeros((2, 4, 3))
    for level, (corners, half, y) in enumerate(
        ((low, width * 0.47, waist - 0.03), (top, width * 0.38, roof))
    ):
        loops[level, :, 0], loops[level, :, 2] = corners[:, 0] * half, corners[:, 1]
        loops[level, :, 1] = y
    parts.loft(loops, _GLASS)
    center = (0, roof + 0.015, (roof_start + roof_end) / 2)
    size = (width * 0.8, 0.07, abs(roof_start - roof_end) + 0.1)
    parts.box(center, size, color=paint, taper=(0.92, 0.96))
    for sign in (-1, 1):  # middle posts
        middle = (roof_start + roof_end) / 2
        parts.tube(
            (sign * width * 0.472, waist - 0.02, middle),
            (sign * width * 0.385, roof, middle),
            0.05,
            color=darker(paint),
            sides=4,
        )


def _wheels(parts, draws, length, width, radius):
    front, back = draws.length(0.29, 0.34), draws.length(0.27, 0.33)
    rim = draws.color("metal")
    for z in (front * length, -back * length):
        for sign in (-1, 1):
            inside, outside = sign * (width / 2 - 0.2), sign * (width / 2 + 0.02)
            parts.tube(
                (inside, radius, z), (outside, radius, z), radius, color=_TYRE, sides=18
            )
            parts.tube(
                (inside, radius, z),
                (outside + sign * 0.02, radius, z),
                radius * 0.6,
                color=rim,
                sides=12,
            )


def _lamps(parts, half, width, nose, tail):
    for sign in (-1, 1):
        x = sign * width * 0.36
        parts.box(
            (x, nose - 0.1, half - 0.03), (0.26, 0.11, 0.06), color=(246, 240, 206)
        )
        parts.box(
            (x, tail - 0.1, -half + 0.03), (0.26, 0.11, 0.06), color=(176, 28, 28)
        )
