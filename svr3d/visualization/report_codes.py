# SPDX-License-Identifier: Apache-2.0
"""What a report tells about a method's codes."""

from __future__ import annotations

import json
from pathlib import Path

from .report_page import facts, figure, row


def code_blocks(work_dir: Path) -> list[str]:
    """Return figures that ``svr3d mmd`` and ``svr3d embed`` wrote beside checkpoints.

    Args:
        work_dir: Of the training.
    """
    blocks = []
    for path in sorted(work_dir.glob("mmd_*/mmd.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        told = {
            "checkpoint": result["protocol"]["checkpoint"],
            "split": result["protocol"]["split"],
            "MMD": f"{result['mmd']:.5g}",
            "of domains drawn by lot": f"{result['mmd_of_random_domains']:.5g}",
            "domains": len(result["domains"]),
        }
        blocks += [facts(told), *_figures(path, ["mmd.png"])]
    for path in sorted(work_dir.glob("embedding_*/embedding.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        told = {
            key: result["protocol"][key] for key in ("checkpoint", "split", "codes")
        }
        for name, (share, chance) in result["nearest_neighbors"].items():
            told[f"nearest of the same {name}"] = f"{share:.1%} (by lot {chance:.1%})"
        pictures = [name for name in result["pictures"] if name.endswith(".png")]
        blocks += [facts(told), *_figures(path, pictures)]
    return blocks


def _figures(path: Path, names: list[str]) -> list[str]:
    found = [path.with_name(name) for name in names]
    shown = [figure(picture, picture.stem) for picture in found if picture.is_file()]
    return [row(*shown)] if shown else []
