# SPDX-License-Identifier: Apache-2.0
"""Draw where a method's codes lie, coloured by view and by category."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from svr3d.cli.code_source import (
    add_code_arguments,
    check_code_arguments,
    output_folder,
    read_codes,
)

if TYPE_CHECKING:
    import numpy as np

    from svr3d.analysis.codes import CodeTable

_EPILOG = """examples:
  svr3d embed work_dirs/first/last.pth
  svr3d embed work_dirs/first/last.pth --split val --num-views 24
categories.png, views.png and, where cameras are known, azimuths.png are written, each
as .pdf too; codes.npz, from which the command goes on if it is run again; embedding.npz
and embedding.json. The last line printed is the path of the result."""


def _parser() -> argparse.ArgumentParser:
    from svr3d.analysis.embedding import PCA_FEATURES, PERPLEXITY

    parser = argparse.ArgumentParser(
        description="Draw where a method's codes lie in the plane (PCA, then t-SNE), "
        "coloured by view and by category.",
        usage="%(prog)s [CONFIG] CHECKPOINT [options]",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_code_arguments(parser)
    parser.add_argument(
        "--pca",
        type=int,
        default=PCA_FEATURES,
        help="principal components of longer codes (default: %(default)s)",
    )
    parser.add_argument(
        "--perplexity",
        type=float,
        default=PERPLEXITY,
        help="about how many neighbours a code keeps (default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Embed one model's codes of one split.

    Args:
        argv: Arguments; those of the process if None.

    Returns:
        0.

    Raises:
        SVR3DError: If config, data or checkpoint are wrong, the method has no code, or
            scikit-learn is missing.
    """
    parser = _parser()
    args = parser.parse_intermixed_args(argv)
    check_code_arguments(parser, args)

    import numpy as np

    from svr3d.analysis.embedding import embed_codes

    out = output_folder(args, "embedding")
    table = read_codes(args, out)
    places = embed_codes(
        table.codes, pca_features=args.pca, perplexity=args.perplexity, seed=args.seed
    )
    np.savez_compressed(
        out / "embedding.npz",
        places=places,
        views=table.views,
        azimuths=table.azimuths,
        categories=table.categories,
    )
    pictures = draw(table, places, out)
    result = {
        "protocol": {
            **table.facts,
            "codes": len(table),
            "code_length": table.codes.shape[1],
            "pca": args.pca,
            "perplexity": args.perplexity,
            "seed": args.seed,
        },
        "nearest_neighbors": agreements(table),
        "pictures": [path.name for path in pictures],
    }
    for name, (found, chance) in result["nearest_neighbors"].items():
        print(
            f"nearest code of another object: same {name} {found:.1%} (by lot "
            f"{chance:.1%})"
        )
    path = out / "embedding.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(path)
    return 0


def draw(table: CodeTable, places: np.ndarray, out: Path) -> list[Path]:
    """Write the pictures of codes in the plane.

    Args:
        table: What the codes are of.
        places: (N, 2).
        out: Folder.

    Returns:
        The files that were written.
    """
    import numpy as np

    from svr3d.visualization.code_figures import draw_classes, draw_scale

    paths = []
    if (table.categories >= 0).all():
        numbers, labels = np.unique(table.categories, return_inverse=True)
        known = dict(enumerate(table.category_names))
        names = [known.get(int(n), f"category {n}") for n in numbers]
        paths += draw_classes(places, labels, names, out / "categories")
    if (table.views >= 0).all():
        paths += draw_scale(places, table.views, out / "views", label="view")
    if np.isfinite(table.azimuths).all():
        paths += draw_scale(
            places,
            table.azimuths,
            out / "azimuths",
            label="azimuth in degrees",
            period=360.0,
        )
    return paths


def agreements(table: CodeTable) -> dict[str, tuple[float, float]]:
    """Return how often nearest codes of other objects share view and category.

    Returns:
        'view' and 'category', where they are known and differ -> the share, and what
        it is if neighbours are drawn by lot.
    """
    import numpy as np

    from svr3d.analysis.embedding import neighbor_agreement

    found: dict[str, Any] = {}
    objects = table.objects
    for name, labels in (("view", table.views), ("category", table.categories)):
        shares = np.unique(labels, return_counts=True)[1] / len(labels)
        if labels.min() < 0 or len(shares) < 2 or objects.max() < 1:
            continue
        share = neighbor_agreement(table.codes, labels, exclude=objects)
        found[name] = (share, float(np.square(shares).sum()))
    return found


if __name__ == "__main__":
    from svr3d.cli.main import run

    run(main)
