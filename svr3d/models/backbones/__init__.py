# SPDX-License-Identifier: Apache-2.0
"""Encoders of images, point clouds, voxels and indices."""

from svr3d.models.backbones.batch_norm_pointnet import BatchNormPointNetEncoder
from svr3d.models.backbones.conditional_resnet import ConditionalResNet
from svr3d.models.backbones.efficientnet_encoder import EfficientNetEncoder
from svr3d.models.backbones.feature_map_encoder import FeatureMapEncoder
from svr3d.models.backbones.index_embedding import EmptyEncoder, IndexEmbedding
from svr3d.models.backbones.pointnet_encoders import (
    PointNetEncoder,
    ResNetPointNetEncoder,
)
from svr3d.models.backbones.residual_encoder import ResidualEncoder
from svr3d.models.backbones.resnet_features import ResNetFeatures
from svr3d.models.backbones.same_conv_encoder import SameConvEncoder
from svr3d.models.backbones.simple_conv_encoder import SimpleConvEncoder
from svr3d.models.backbones.strided_conv_encoder import StridedConvEncoder
from svr3d.models.backbones.timm_encoder import TimmEncoder
from svr3d.models.backbones.vgg_features import VGGFeatures
from svr3d.models.backbones.voxel_encoder import VoxelEncoder

__all__ = [
    "BatchNormPointNetEncoder",
    "ConditionalResNet",
    "EfficientNetEncoder",
    "EmptyEncoder",
    "FeatureMapEncoder",
    "IndexEmbedding",
    "PointNetEncoder",
    "ResNetFeatures",
    "ResNetPointNetEncoder",
    "ResidualEncoder",
    "SameConvEncoder",
    "SimpleConvEncoder",
    "StridedConvEncoder",
    "TimmEncoder",
    "VGGFeatures",
    "VoxelEncoder",
]
