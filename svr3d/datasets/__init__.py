# SPDX-License-Identifier: Apache-2.0
"""Data sets, one file per published layout."""

from . import transforms
from .base import BaseShapeDataset, SampleKey, find_data_root
from .category_names import SHAPENET_NAMES
from .cloud_sampling import CloudSampling
from .cube_sphere import CubeSphere
from .occnet import OccNetDataset
from .occnet_hdf5 import OccNetHDF5
from .pascal3d_plus import Pascal3DPlus
from .pix3d import Pix3D
from .point_samples import PointSampling
from .rng import SampleRandom, SeededIndex, stable_seed
from .shapenet_atlasnet import ShapeNetAtlasNet
from .shapenet_drc import ShapeNetDRC
from .shapenet_lsm import ShapeNetLSM
from .shapenet_nmr import ShapeNetNMR
from .shapenet_r2n2 import ShapeNetR2N2

__all__ = [
    "SHAPENET_NAMES",
    "BaseShapeDataset",
    "CloudSampling",
    "CubeSphere",
    "OccNetDataset",
    "OccNetHDF5",
    "Pascal3DPlus",
    "Pix3D",
    "PointSampling",
    "SampleKey",
    "SampleRandom",
    "SeededIndex",
    "ShapeNetAtlasNet",
    "ShapeNetDRC",
    "ShapeNetLSM",
    "ShapeNetNMR",
    "ShapeNetR2N2",
    "find_data_root",
    "stable_seed",
    "transforms",
]
