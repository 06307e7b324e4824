# SPDX-License-Identifier: Apache-2.0
"""Cabinets: wardrobes, chests of drawers, book shelves and sideboards."""

from svr3d.io.meshes import MeshData
from svr3d.preparation.procedural.draws import Draws, darker
from svr3d.preparation.procedural.part_builder import PartBuilder


def make_cabinet(draws: Draws) -> MeshData:
    """Return a carcass of boards whose columns hold doors, drawers or shelves."""
    parts = PartBuilder()
    shape = draws.pick(("tall", "wide", "cube"))
    width = {
        "tall": draws.length(0.5, 1.0),
        "wide": draws.length(1.1, 2.0),
        "cube": draws.length(0.5, 0.9),
    }[shape]
    height = {
        "tall": draws.length(1.4, 2.1),
        "wide": draws.length(0.5, 0.9),
        "cube": draws.length(0.5, 1.0),
    }[shape]
    depth, board = draws.length(0.3, 0.6), draws.length(0.02, 0.045)
    feet = draws.length(0.06, 0.25) if draws.chance(0.5) else 0.0
    body, front = draws.color("wood", "paint"), draws.color("wood", "paint")
    knob = draws.color("metal")
    _carcass(parts, width, height, depth, board, feet, body)
    columns = max(1, round(width / draws.length(0.4, 0.7)))
    step = (width - board) / columns
    for index in range(columns):
        x = -width / 2 + board / 2 + (index + 0.5) * step
        if index:
            center = (x - step / 2, feet + height / 2, 0)
            parts.box(center, (board, height, depth), color=body)
        style = draws.pick(("doors", "drawers", "shelves"))
        space = (x, feet, step - board, height, depth, board)
        if style == "shelves":
            _shelves(parts, draws, space, body)
        else:
            rows = draws.count(2, 5) if style == "drawers" else draws.count(1, 2)
            _fronts(parts, draws, space, rows, front, knob)
    if feet:
        for x in (-width / 2 + 0.04, width / 2 - 0.04):
            for z in (-depth / 2 + 0.04, depth / 2 - 0.04):
                parts.tube(
                    (x, feet + board, z),
                    (x, 0, z),
                    0.026,
                    color=knob,
                    end_radius=0.016,
                    sides=8,
                )
    elif draws.chance(0.4):
        size = (width * 1.04, 0.05, depth * 1.05)
        parts.box((0, height, 0), size, color=darker(body, 0.85))
    return parts.build()


def _carcass(parts, width, height, depth, board, feet, color):
    """Add two sides, bottom, top and back."""
    middle = feet + height / 2
    for sign in (-1, 1):
        center = (sign * (width - board) / 2, middle, 0)
        parts.box(center, (board, height, depth), color=color)
    for y in (feet + board / 2, feet + height - board / 2):
        parts.box((0, y, 0), (width, board, depth), color=color)
    center = (0, middle, -(depth - board) / 2)
    parts.box(center, (width, height, board), color=darker(color, 0.8))


def _shelves(parts, draws, space, color):
    """Add open shelves, some with books."""
    x, feet, width, height, depth, board = space
    rows = max(2, round(height / draws.length(0.3, 0.5)))
    filled = draws.chance(0.5)
    for row in range(rows):
        y = feet + board / 2 + row * (height - board) / rows
        if row:
            parts.box((x, y, 0), (width + board, board, depth), color=color)
        if filled and draws.chance(0.7):
            tall = (height / rows - board) * draws.length(0.5, 0.9)
            wide = width * draws.length(0.4, 0.9)
            center = (x - (width - wide) / 2, y + board / 2 + tall / 2, -0.02)
            size = (wide, tall, depth * 0.7)
            parts.box(center, size, color=draws.color("fabric"))


def _fronts(parts, draws, space, rows, front, knob):
    """Close the column by a solid block with doors or drawers on it."""
    x, feet, width, height, depth, board = space
    center = (x, feet + height / 2, -board / 2)
    size = (width + board, height, depth - board)
    parts.box(center, size, color=darker(front, 0.6))
    step = (height - 2 * board) / rows
    handle = draws.pick(("knob", "bar"))
    for row in range(rows):
        y = feet + board + (row + 0.5) * step
        size = (width * 0.96, step * 0.95, board)
        parts.box((x, y, (depth - board) / 2 + 0.004), size, color=front)
        place = (x, y + (0.0 if rows > 2 else step * 0.05), depth / 2 + 0.015)
        if handle == "knob":
            parts.ellipsoid(place, (0.022, 0.022, 0.022), color=knob, sides=8)
        else:
            parts.box(place, (width * 0.3, 0.018, 0.03), color=knob)
