# SPDX-License-Identifier: Apache-2.0
"""Names of ShapeNet's categories, and choosing categories by name."""

import difflib
from collections.abc import Sequence

from svr3d.errors import DataError
from svr3d.io.splits import CategorySplit

SHAPENET_NAMES = {
    "02691156": "aeroplane",
    "02828884": "bench",
    "02933112": "cabinet",
    "02958343": "car",
    "03001627": "chair",
    "03211117": "display",
    "03636649": "lamp",
    "03691459": "speaker",
    "04090263": "rifle",
    "04256520": "sofa",
    "04379243": "table",
    "04401088": "telephone",
    "04530566": "watercraft",
}
"""Display names of the 13 categories of 3D-R2N2, by WordNet synset."""


def choose_categories(
    taxonomy: Sequence[CategorySplit], wanted: Sequence[str] | None, source: str
) -> list[CategorySplit]:
    """Keep the wanted categories, in the order of the taxonomy.

    Args:
        taxonomy: All categories.
        wanted: Names or folder names; None keeps all.
        source: What error messages call the taxonomy.

    Raises:
        DataError: If a wanted category does not exist, with the nearest names.
    """
    if wanted is None:
        return list(taxonomy)
    known = {label for entry in taxonomy for label in (entry.name, entry.taxonomy_id)}
    for label in wanted:
        if label not in known:
            near = difflib.get_close_matches(label, sorted(known), cutoff=0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else ""
            names = ", ".join(entry.name for entry in taxonomy)
            raise DataError(
                f"{source}: expected one of the categories {names}; found {label!r}. "
                f"{hint}".rstrip()
            )
    return [e for e in taxonomy if e.name in wanted or e.taxonomy_id in wanted]
