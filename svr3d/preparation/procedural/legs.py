# SPDX-License-Identifier: Apache-2.0
"""Supports that several kinds of furniture share."""

import numpy as np

from svr3d.preparation.procedural.draws import Draws
from svr3d.preparation.procedural.part_builder import Color, PartBuilder


def corner_legs(
    parts: PartBuilder,
    draws: Draws,
    *,
    width: float,
    depth: float,
    height: float,
    color: Color,
    thickness: float,
) -> None:
    """Add four legs, square or round, straight, tapered or splayed."""
    square = draws.chance(0.5)
    end = draws.length(0.45, 1.0)
    splay = draws.length(0.0, 0.08) if draws.chance(0.4) else 0.0
    x, z = width / 2 - thickness, depth / 2 - thickness
    for sign_x, sign_z in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
        top = (sign_x * x, height, sign_z * z)
        foot = (sign_x * (x + splay), 0.0, sign_z * (z + splay))
        parts.tube(
            top,
            foot,
            thickness * (0.7 if square else 0.6),
            color=color,
            end_radius=thickness * 0.6 * end,
            sides=4 if square else 10,
        )


def pedestal(
    parts: PartBuilder, draws: Draws, *, height: float, radius: float, color: Color
) -> None:
    """Add a central column with a disc, a dome or a star of three to five feet."""
    column = draws.length(0.12, 0.25) * radius + 0.015
    parts.tube((0, 0.02, 0), (0, height, 0), column, color=color)
    style = draws.pick(("disc", "dome", "star"))
    if style == "disc":
        parts.lathe([(radius, 0), (radius, 0.02), (column, 0.035)], color=color)
    elif style == "dome":
        rise = draws.length(0.05, 0.12)
        profile = [(radius, 0), (radius, 0.015), (radius * 0.7, rise * 0.6)]
        parts.lathe([*profile, (column, rise)], color=color)
    else:
        feet = draws.count(3, 5)
        for angle in np.arange(feet) * (2 * np.pi / feet) + draws.length(0, 1):
            foot = (radius * np.cos(angle), 0.02, radius * np.sin(angle))
            parts.tube((0, 0.09, 0), foot, 0.028, color=color, end_radius=0.018)


def side_frames(
    parts: PartBuilder,
    *,
    width: float,
    depth: float,
    height: float,
    color: Color,
    thickness: float,
) -> None:
    """Add a closed rectangular frame on either side, as sledges have."""
    for sign in (-1, 1):
        x, z = sign * (width / 2 - thickness), depth / 2 - thickness
        corners = [(x, height, -z), (x, thickness, -z), (x, thickness, z)]
        corners += [(x, height, z), (x, height, -z)]
        for start, end in zip(corners, corners[1:], strict=False):
            middle = (np.array(start) + end) / 2
            size = np.abs(np.array(end) - start) + thickness
            parts.box(middle, size, color=color)


def panels(
    parts: PartBuilder,
    *,
    width: float,
    depth: float,
    height: float,
    color: Color,
    thickness: float,
) -> None:
    """Add a full board on either side."""
    for sign in (-1, 1):
        center = (sign * (width - thickness) / 2, height / 2, 0)
        parts.box(center, (thickness, height, depth), color=color)
