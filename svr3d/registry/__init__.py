# SPDX-License-Identifier: Apache-2.0
"""The five registries of svr3d, and its branch of each of mmengine's.

A part of svr3d is a class with a decorator in one of these::

    from svr3d.registry import BACKBONES

    @BACKBONES.register_module()
    class MyBackbone(nn.Module): ...

Reconstructors, view fusions, layers and data preprocessors go into mmengine's
``MODELS``, transforms into ``TRANSFORMS``, hooks into ``HOOKS`` and so on. For each of
these mmengine registries svr3d hangs an (empty) child with the scope ``svr3d`` into
the tree: with ``default_scope='svr3d'`` a look-up passes through it, so the parts of
svr3d are imported on first use, plugins are found, and an unknown name is answered
with the nearest ones. Nothing is registered in these children.
"""

import mmengine.registry as _mmengine
from mmengine.registry import Registry as _Registry

from svr3d.registry.importing import (
    import_failures,
    import_parts,
    load_plugins,
)
from svr3d.registry.part_registry import PartRegistry, UnknownPartError

__all__ = [
    "BACKBONES",
    "DATASETS",
    "HEADS",
    "LOSSES",
    "METRICS",
    "PartRegistry",
    "UnknownPartError",
    "all_registries",
    "import_failures",
    "import_parts",
    "load_plugins",
]

SCOPE = "svr3d"

DATASETS = PartRegistry(
    "dataset",
    parent=_mmengine.DATASETS,
    scope=SCOPE,
    locations=["mmengine.dataset", "svr3d.datasets"],
)
BACKBONES = PartRegistry("backbone", scope=SCOPE, locations=["svr3d.models.backbones"])
HEADS = PartRegistry("head", scope=SCOPE, locations=["svr3d.models.heads"])
LOSSES = PartRegistry("loss", scope=SCOPE, locations=["svr3d.models.losses"])
METRICS = PartRegistry(
    "metric",
    parent=_mmengine.METRICS,
    scope=SCOPE,
    locations=["mmengine.evaluator", "svr3d.metrics"],
)

# Where the parts of mmengine's registries are: upstream first, then ours.
_LOCATIONS = {
    "MODELS": ["mmengine.model", "svr3d.models"],
    "MODEL_WRAPPERS": ["mmengine.model", "svr3d.engine"],
    "WEIGHT_INITIALIZERS": ["mmengine.model", "svr3d.models"],
    "TRANSFORMS": ["svr3d.datasets.transforms"],
    "DATA_SAMPLERS": ["mmengine.dataset", "svr3d.datasets", "svr3d.engine"],
    "FUNCTIONS": ["mmengine.dataset", "svr3d.datasets"],
    "HOOKS": ["mmengine.hooks", "svr3d.engine.hooks"],
    "LOOPS": ["mmengine.runner", "svr3d.engine"],
    "LOG_PROCESSORS": ["mmengine.runner", "svr3d.engine"],
    "RUNNERS": ["mmengine.runner", "svr3d.engine"],
    "OPTIMIZERS": ["mmengine.optim", "svr3d.engine"],
    "OPTIM_WRAPPERS": ["mmengine.optim", "svr3d.engine"],
    "OPTIM_WRAPPER_CONSTRUCTORS": ["mmengine.optim", "svr3d.engine"],
    "PARAM_SCHEDULERS": ["mmengine.optim", "svr3d.engine"],
    "EVALUATOR": ["mmengine.evaluator", "svr3d.engine"],
    "VISUALIZERS": ["mmengine.visualization", "svr3d.visualization"],
    "VISBACKENDS": ["mmengine.visualization", "svr3d.visualization"],
}


def _branches() -> dict[str, PartRegistry]:
    """Hang a child of scope ``svr3d`` under each mmengine registry without one."""
    branches = {}
    for attribute, root in vars(_mmengine).items():
        if isinstance(root, _Registry) and SCOPE not in root.children:
            branches[attribute] = PartRegistry(
                root.name,
                parent=root,
                scope=SCOPE,
                locations=_LOCATIONS.get(attribute, []),
            )
    return branches


_BRANCHES = _branches()


def all_registries() -> dict[str, PartRegistry]:
    """Return every registry that a svr3d config can name parts of.

    Returns:
        The five of svr3d first, then svr3d's branches of mmengine's, by the name of
        the variable that holds them (``BACKBONES``, ``HOOKS``, ...).
    """
    own = {
        "DATASETS": DATASETS,
        "BACKBONES": BACKBONES,
        "HEADS": HEADS,
        "LOSSES": LOSSES,
        "METRICS": METRICS,
    }
    return {**own, **_BRANCHES}
