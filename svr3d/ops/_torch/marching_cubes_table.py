# SPDX-License-Identifier: Apache-2.0
"""The 256 cases of marching cubes, derived from two rules and one list of choices.

Corners of a cell are numbered 0 to 7, its edges 0 to 11, in the customary order of
Lorensen and Cline (1987). A case is the set of corners that do not exceed the level.

* On each side of the cell the surface cuts every run of such corners off from the
  others. Where two of them are opposite, each is cut off alone; the cell on the other
  side does the same, hence surfaces are closed.
* The cuts of the six sides join into loops, and every loop becomes triangles.

How a loop is split into triangles changes no neighbour; the customary table's choices
are listed, so that meshes equal those of the programs that use it.
"""

from functools import lru_cache

import torch
from torch import Tensor

CORNERS = (
    (0, 0, 0),
    (1, 0, 0),
    (1, 1, 0),
    (0, 1, 0),
    (0, 0, 1),
    (1, 0, 1),
    (1, 1, 1),
    (0, 1, 1),
)
EDGES = (
    (0, 1),
    (1, 2),
    (2, 3),
    (3, 0),
    (4, 5),
    (5, 6),
    (6, 7),
    (7, 4),
    (0, 4),
    (1, 5),
    (2, 6),
    (3, 7),
)
# Corners counter-clockwise, seen from outside the cell.
_SIDES = (
    (0, 3, 2, 1),
    (4, 5, 6, 7),
    (0, 1, 5, 4),
    (1, 2, 6, 5),
    (2, 3, 7, 6),
    (3, 0, 4, 7),
)
# One letter for each loop of more than three edges, in the order of the cases: a digit
# is the corner that all triangles of a fan share; of hexagons, a to c and d to f are
# the two kinds of zigzag, g and h have a triangle in the middle.
_CHOICES = (
    "0130313401011g1c1h22011a00h11g1143112h21h10100000002g011gb113011034c43b"
    "5000g311001030h6314gc3g10024c030011000g2fg1121h101060132g010044a030130a"
    "444dg42b35g360500000103h03h1612114g22h55e4c540431h4fa43g220510121210215"
    "0"
)
MAX_TRIANGLES = 5


def _cuts(case: int) -> dict[int, int]:
    """Directed cuts of all sides: edge -> edge."""
    numbers = {frozenset(edge): number for number, edge in enumerate(EDGES)}
    cuts = {}
    for side in _SIDES:
        low = [bool(case >> corner & 1) for corner in side]
        for start in range(4):
            if not low[start] or low[start - 1]:
                continue  # no run of low corners starts here
            end = start
            while low[(end + 1) % 4]:
                end += 1
            before = numbers[frozenset((side[start - 1], side[start]))]
            after = numbers[frozenset((side[end % 4], side[(end + 1) % 4]))]
            cuts[after] = before
    return cuts


def loops(case: int) -> list[list[int]]:
    """Closed loops of edges, each from its lowest edge, in the order of those."""
    cuts, found = _cuts(case), []
    while cuts:
        loop = [min(cuts)]
        while (edge := cuts.pop(loop[-1])) != loop[0]:
            loop.append(edge)
        found.append(loop)
    return found


def _split(size: int, choice: str) -> list[tuple[int, int, int]]:
    """Triangles of a loop, as positions in it."""
    if choice.isdigit():
        apex = int(choice)
        return [(apex, apex + k, apex + k + 1) for k in range(1, size - 1)]
    kind, turn = divmod("abcdefgh".index(choice), 3)
    triangles = (
        [(0, 1, 2), (2, 3, 5), (0, 2, 5), (3, 4, 5)],
        [(0, 1, 2), (0, 2, 3), (0, 3, 5), (3, 4, 5)],
        [(0, 1, 2), (2, 3, 4), (4, 5, 0), (0, 2, 4)],
    )[kind]
    return [tuple(place + turn for place in triangle) for triangle in triangles]


@lru_cache(maxsize=1)
def triangle_table() -> Tensor:
    """Edges (256, 16) int8 of up to five triangles per case; -1 fills the rest."""
    table = torch.full((256, 3 * MAX_TRIANGLES + 1), -1, dtype=torch.int8)
    choices = iter(_CHOICES)
    for case in range(256):
        edges = []
        for loop in loops(case):
            choice = "0" if len(loop) == 3 else next(choices)
            for triangle in _split(len(loop), choice):
                edges += [loop[place % len(loop)] for place in triangle]
        table[case, : len(edges)] = torch.tensor(edges, dtype=torch.int8)
    return table
