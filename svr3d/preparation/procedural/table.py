# SPDX-License-Identifier: Apache-2.0
"""Tables: dining, coffee, side tables and desks."""

from svr3d.io.meshes import MeshData
from svr3d.preparation.procedural.draws import Draws, darker
from svr3d.preparation.procedural.legs import (
    corner_legs,
    panels,
    pedestal,
    side_frames,
)
from svr3d.preparation.procedural.part_builder import PartBuilder


def make_table(draws: Draws) -> MeshData:
    """Return a table with a rectangular or round top."""
    parts = PartBuilder()
    height = draws.length(0.35, 0.8)
    thick = draws.length(0.02, 0.07)
    top, frame = draws.color("wood", "paint"), draws.color("wood", "metal")
    if draws.chance(0.3):
        _round_table(parts, draws, height, thick, top, frame)
        return parts.build()
    width, depth = draws.length(0.7, 1.8), draws.length(0.5, 0.9)
    parts.box((0, height + thick / 2, 0), (width, thick, depth), color=top)
    inner = {"width": width * 0.96, "depth": depth * 0.94, "height": height}
    style = draws.pick(("legs", "legs", "panels", "sledge", "desk", "columns"))
    if style == "legs":
        bar = draws.length(0.03, 0.07)
        corner_legs(parts, draws, **inner, color=frame, thickness=bar)
        if draws.chance(0.5):
            rail = draws.length(0.05, 0.11)
            size = (width * 0.9, rail, depth * 0.84)
            parts.box((0, height - rail / 2, 0), size, color=darker(frame, 0.9))
        if draws.chance(0.3):
            low = height * draws.length(0.2, 0.4)
            parts.box((0, low, 0), (width * 0.9, 0.025, depth * 0.85), color=top)
    elif style == "panels":
        board = draws.length(0.03, 0.07)
        panels(parts, **inner, color=frame, thickness=board)
        if draws.chance(0.6):
            center = (0, height * draws.length(0.3, 0.7), 0)
            size = (width * 0.94, draws.length(0.03, 0.25), 0.03)
            parts.box(center, size, color=darker(frame))
    elif style == "sledge":
        side_frames(parts, **inner, color=frame, thickness=draws.length(0.03, 0.06))
    elif style == "desk":
        _desk(parts, draws, inner, frame, top)
    else:
        for sign in (-1, 1):
            x = sign * width * 0.3
            parts.box((x, height / 2, 0), (0.09, height, 0.09), color=frame)
            parts.box((x, 0.025, 0), (0.1, 0.05, depth * 0.8), color=frame)
        parts.box((0, height * 0.4, 0), (width * 0.6, 0.06, 0.04), color=frame)
    return parts.build()


def _round_table(parts, draws, height, thick, top, frame):
    radius = draws.length(0.3, 0.7)
    edge = [(radius * 0.96, 0), (radius, thick / 2), (radius, thick)]
    parts.lathe(edge, center=(0, height, 0), color=top, sides=28)
    if draws.chance(0.6):
        size = radius * draws.length(0.4, 0.75)
        pedestal(parts, draws, height=height, radius=size, color=frame)
    else:
        side = radius * 1.3
        corner_legs(
            parts,
            draws,
            width=side,
            depth=side,
            height=height,
            color=frame,
            thickness=draws.length(0.03, 0.05),
        )


def _desk(parts, draws, inner, frame, top):
    """Add a drawer block on one or both sides, and a panel or legs on the other."""
    width, depth, height = inner["width"], inner["depth"], inner["height"]
    block = width * draws.length(0.22, 0.34)
    both = draws.chance(0.4)
    drawers = draws.count(2, 4)
    for sign in (-1, 1) if both else (-1,):
        x = sign * (width - block) / 2
        parts.box((x, height / 2, 0), (block, height, depth), color=frame)
        step = height * 0.92 / drawers
        for index in range(drawers):
            y = height * 0.04 + (index + 0.5) * step
            size = (block * 0.9, step * 0.86, 0.02)
            parts.box((x, y, depth / 2 + 0.005), size, color=top)
            knob = (x, y, depth / 2 + 0.025)
            parts.box(knob, (block * 0.25, 0.015, 0.03), color=darker(frame, 0.5))
    if not both:
        center = ((width - 0.04) / 2, height / 2, 0)
        parts.box(center, (0.04, height, depth), color=frame)
    center = (0, height * 0.7, -depth * 0.4)
    parts.box(center, (width * 0.95, height * 0.5, 0.02), color=darker(frame, 0.85))
