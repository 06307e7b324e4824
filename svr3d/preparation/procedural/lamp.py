# SPDX-License-Identifier: Apache-2.0
"""Lamps: table, floor, desk and hanging ones."""

import numpy as np

from svr3d.io.meshes import MeshData
from svr3d.preparation.procedural.draws import Draws
from svr3d.preparation.procedural.part_builder import PartBuilder


def make_lamp(draws: Draws) -> MeshData:
    """Return a lamp of one of four kinds."""
    parts = PartBuilder()
    metal = draws.color("metal", "wood", "paint")
    shade = draws.color("light", "fabric")
    kind = draws.pick(("table", "table", "floor", "desk", "hanging"))
    if kind == "table":
        height, radius = draws.length(0.2, 0.4), draws.length(0.08, 0.14)
        _vase_foot(parts, draws, height, radius, metal)
        size = draws.length(0.12, 0.24)
        _shade(parts, draws, (0, height, 0), size, shade)
    elif kind == "floor":
        height, radius = draws.length(1.0, 1.6), draws.length(0.14, 0.24)
        _disc_or_tripod(parts, draws, height, radius, metal)
        _shade(parts, draws, (0, height, 0), draws.length(0.16, 0.32), shade)
    elif kind == "desk":
        _desk_lamp(parts, draws, metal, shade)
    else:
        height, size = draws.length(0.4, 0.9), draws.length(0.15, 0.35)
        top = (0, size + height, 0)
        parts.tube((0, size * 0.8, 0), top, 0.012, color=metal, sides=8)
        rose = [(0.08, 0), (0.07, 0.03), (0.02, 0.045)]
        parts.lathe(rose, center=(0, size + height - 0.03, 0), color=metal)
        _shade(parts, draws, (0, 0, 0), size, shade)
    return parts.build()


def _vase_foot(parts, draws, height, radius, color):
    """Add a turned foot: a vase, a stack of balls or a slim stem on a disc."""
    style = draws.pick(("vase", "balls", "stem"))
    if style == "vase":
        levels = np.linspace(0, 1, 9)
        belly, place = draws.length(0.5, 1.0), draws.length(0.25, 0.6)
        bump = belly * np.exp(-(((levels - place) / 0.25) ** 2))
        radii = radius * (0.28 + bump * 0.9)
        radii[0] = radius * draws.length(0.5, 0.9)
        parts.lathe(list(zip(radii, levels * height, strict=True)), color=color)
        return
    parts.lathe([(radius, 0), (radius, 0.02), (radius * 0.3, 0.04)], color=color)
    parts.tube((0, 0, 0), (0, height, 0), 0.014, color=color)
    if style == "balls":
        balls = draws.count(2, 4)
        size = height / balls / 2
        for index in range(balls):
            center = (0, (2 * index + 1) * size, 0)
            width = min(size, radius * 0.9)
            parts.ellipsoid(center, (width, size * 1.04, width), color=color)


def _disc_or_tripod(parts, draws, height, radius, color):
    if draws.chance(0.5):
        parts.lathe([(radius, 0), (radius, 0.03), (radius * 0.2, 0.05)], color=color)
        parts.tube((0, 0, 0), (0, height, 0), 0.018, color=color)
        return
    joint = height * draws.length(0.7, 0.95)
    for angle in np.arange(3) * (2 * np.pi / 3):
        foot = (1.5 * radius * np.cos(angle), 0, 1.5 * radius * np.sin(angle))
        parts.tube((0, joint, 0), foot, 0.018, color=color, end_radius=0.014)
    parts.tube((0, joint - 0.03, 0), (0, height, 0), 0.02, color=color)


def _desk_lamp(parts, draws, metal, shade):
    """Add a jointed arm that reaches forward, and a cone that looks down."""
    radius = draws.length(0.09, 0.13)
    parts.lathe([(radius, 0), (radius, 0.03), (0.02, 0.04)], color=metal)
    elbow = np.array([0, draws.length(0.22, 0.36), -draws.length(0.05, 0.16)])
    head = elbow + [0, draws.length(0.02, 0.16), draws.length(0.2, 0.36)]
    parts.tube((0, 0.02, 0), elbow, 0.013, color=metal)
    parts.tube(elbow, head, 0.013, color=metal)
    parts.ellipsoid(elbow, (0.025, 0.025, 0.025), color=metal, sides=10)
    down = np.array([0, -draws.length(0.08, 0.14), draws.length(0.02, 0.08)])
    wide = draws.length(0.06, 0.1)
    parts.tube(head - 0.2 * down, head + down, 0.03, color=shade, end_radius=wide)


def _shade(parts, draws, place, size, color):
    """Add a shade whose lower rim is at ``place``: cone, drum, dome or ball."""
    style = draws.pick(("cone", "cone", "drum", "dome", "ball"))
    if style == "ball":
        center = (place[0], place[1] + size * 0.7, place[2])
        parts.ellipsoid(center, (size * 0.75,) * 3, color=color, sides=18)
        return
    tall, wall = size * draws.length(0.8, 1.5), 0.012
    top = {"cone": draws.length(0.35, 0.7), "drum": 1.0, "dome": 0.15}[style] * size
    if style == "dome":
        angles = np.linspace(0, 1.4, 5)
        outer = [(size * np.cos(a), tall * 0.8 * np.sin(a)) for a in angles]
        parts.lathe(outer, center=place, color=color)
        return
    rim = [(size, 0), (top, tall), (top - wall, tall), (size - wall, 0)]
    parts.lathe(rim, center=place, color=color, hollow=True)
    bulb = (place[0], place[1] + tall * 0.4, place[2])
    parts.ellipsoid(bulb, (size * 0.2,) * 3, color=(252, 248, 226), sides=10)
    # The spider that carries the shade also ties it to the stem.
    y = place[1] + tall * 0.5
    reach = (size + top) / 2 - wall / 2
    parts.tube((-reach, y, 0), (reach, y, 0), 0.006, color=(90, 90, 90), sides=6)
    parts.tube((0, place[1] - 0.03, 0), (0, y, 0), 0.012, color=(90, 90, 90), sides=6)
