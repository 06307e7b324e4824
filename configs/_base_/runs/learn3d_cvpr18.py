# SPDX-License-Identifier: Apache-2.0
"""Runs of learn3D on the neural mesh renderer's data (``CVPR18``), one category each.

All 24 views of each object are samples of their own.
"""

from mmengine.config import read_base

with read_base():
    from ..datasets.shapenet_nmr import *
    from ..evaluation.mesh_voxels import *
    from .learn3d import *

protocol = dict(
    split="<synset>_<split>_images.npz",
    views=1,
    view_selection="all 24, each by itself",
    unit="edge of the grid, 32 / 31 of the longest side",
    num_points=None,
    reference="Peng et al., arXiv 2004.01347",
)
