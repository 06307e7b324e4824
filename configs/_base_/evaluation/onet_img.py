# SPDX-License-Identifier: Apache-2.0
"""The test of occupancy networks from images, beside the authors' figures."""

from svr3d.metrics import MeshDistances, PointIoU

# Single images, the authors' updated model without augmentation.
published = {
    "02691156": dict(iou=0.591, chamfer_l1_x10=0.134, normals=0.845),
    "02828884": dict(iou=0.492, chamfer_l1_x10=0.150, normals=0.814),
    "02933112": dict(iou=0.750, chamfer_l1_x10=0.153, normals=0.884),
    "02958343": dict(iou=0.746, chamfer_l1_x10=0.149, normals=0.852),
    "03001627": dict(iou=0.530, chamfer_l1_x10=0.206, normals=0.829),
    "03211117": dict(iou=0.518, chamfer_l1_x10=0.258, normals=0.857),
    "03636649": dict(iou=0.400, chamfer_l1_x10=0.368, normals=0.751),
    "03691459": dict(iou=0.677, chamfer_l1_x10=0.266, normals=0.842),
    "04090263": dict(iou=0.480, chamfer_l1_x10=0.143, normals=0.783),
    "04256520": dict(iou=0.693, chamfer_l1_x10=0.181, normals=0.867),
    "04379243": dict(iou=0.542, chamfer_l1_x10=0.182, normals=0.860),
    "04401088": dict(iou=0.746, chamfer_l1_x10=0.127, normals=0.939),
    "04530566": dict(iou=0.547, chamfer_l1_x10=0.201, normals=0.797),
}

test_evaluator = [
    dict(type=PointIoU, source="mesh", baselines=published),
    dict(type=MeshDistances, baselines=published),
]
