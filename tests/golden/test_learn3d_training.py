# SPDX-License-Identifier: Apache-2.0
"""Whole training steps of learn3D, of both kinds, against recorded runs."""

import types

import numpy as np
import pytest
import torch
from learn3d_cases import check_gradients
from mmengine.config import Config
from mmengine.registry import MODELS

from svr3d.analysis.mmd import mean_of_pairs, pairwise_mmd
from svr3d.converters.learn3d import (
    convert_learn3d,
    restore_learn3d_names,
    template_order,
)
from svr3d.geometry.cameras import nmr_view_angles
from svr3d.geometry.template_meshes import icosphere
from svr3d.metrics import VoxelIoU
from svr3d.renderers.mesh_renderer import to_renderer_world

# Loss here -> the program's, the weight of ours, and how near they must be.
LOSSES = {
    "loss_silhouette": ("IoU_loss", 1.0, 1e-4),
    "loss_flattening": ("smoothness_loss", 0.001, 1e-4),
    "loss_prior": ("Gprior_loss", 1.0, 1e-4),
    "loss_discriminate": ("D_loss", 1.0, 1e-3),
    "loss_confuse": ("Adv_loss", 1.0, 1e-3),
    "loss_deceive": ("Adv_loss", 1.0, 1e-3),
}
# Network of the program, how near gradients must be. Those of silhouettes are steps, so
# that rounding moves single terms.
NETWORKS = {"D": 1e-3, "G": 3e-2, "E": 2e-2}
ORDER = {"head": 0, "backbone": 1, "adversary": 2}
# Before a batch norm a bias has no gradient but rounding.
IDLE = tuple(f"model.{index}.bias" for index in (2, 5, 8))


class Run:
    """A recorded run, and the model that is to repeat it."""

    def __init__(self, golden, folder, repository, kind, *, code, lr=0.0, seed=0):
        self.given, self.expected = golden.load(folder)
        configs = repository / "configs/_base_"
        cfg = Config.fromfile(configs / f"models/learn3d_{kind}.py")
        template = self.given["vertices_base"]
        count = next(s for s in range(4) if len(icosphere(s)[0]) == len(template))
        cfg.model.backbone.out_features = cfg.model.head.code_features = code
        cfg.model.head.subdivisions = count
        part = "classifier" if kind == "featgan" else "discriminator"
        cfg.model.adversary[part].num_classes = 24
        if kind == "featgan":
            cfg.model.adversary.classifier.in_features = code
        self.model = MODELS.build(cfg.model)
        state = golden.state_dict(folder, seed)
        state["template"] = self.template = template
        self.model.load_state_dict(convert_learn3d(state, self.model.state_dict()))
        # The program's sphere is rounded at 1e-5, which would move single pixels.
        sphere = to_renderer_world(torch.from_numpy(template))
        self.model.head.template.copy_(sphere[template_order(template)])
        schedule = Config.fromfile(configs / "schedules/adam_learn3d_adversary.py")
        settings = dict(schedule.optim_wrapper)
        constructor = settings.pop("constructor")
        for part in settings.values():
            assert part.optimizer.lr == 1e-4
            part.optimizer.lr = lr
        self.optimizers = constructor(settings)(self.model)
        self.order, self.gradients = [], {}
        for name in self.optimizers.keys():
            self._watch(name)
        self.batch = self._batch()

    def _watch(self, name):
        wrapper, part = self.optimizers[name], getattr(self.model, name)

        def step(wrapper, *, inner=wrapper.step):
            self.order.append(ORDER[name])
            for key, value in part.named_parameters():
                self.gradients[f"{name}.{key}"] = value.grad.clone()
            inner()

        wrapper.step = types.MethodType(step, wrapper)

    def _batch(self):
        images = torch.from_numpy(self.given["images"])
        objects = len(images)
        planes = images.flatten(0, 1).float() / 255
        voxels = np.unpackbits(self.given["voxels"]).reshape(-1, 32, 32, 32)
        voxels = voxels[:objects].transpose(0, 2, 1, 3).repeat(24, 0)
        classes = torch.arange(24).repeat(objects)
        return {
            "images": planes[:, None, :3],
            "masks": planes[:, None, 3],
            "view_angles": nmr_view_angles(24).float().repeat(objects, 1)[:, None],
            "view_classes": classes[:, None],
            "voxels": torch.from_numpy(voxels.copy()),
            "category": torch.zeros(len(planes), dtype=torch.int64),
            "sample_id": [f"objects/{index}" for index in range(len(planes))],
        }

    def step(self):
        self.gradients.clear()
        return self.model.train().train_step(self.batch, self.optimizers)

    def check_losses(self, iteration, logs, *, tolerance=None):
        """Compare what is logged with what the program plots."""
        for ours, (theirs, weight, near) in LOSSES.items():
            recorded = dict(self.expected.get(f"log.{theirs}.train", ()))
            if ours in logs:
                np.testing.assert_allclose(
                    logs[ours].item() / weight,
                    recorded[iteration],
                    rtol=tolerance or near,
                    err_msg=f"{theirs} of iteration {iteration}",
                )

    def check_gradients(self, iteration):
        found = restore_learn3d_names(self.gradients, self.template)
        for network, tolerance in NETWORKS.items():
            prefix = f"grad{iteration}.{network}."
            wanted = {
                f"grad.{key.removeprefix(prefix)}": value
                for key, value in self.expected.items()
                if key.startswith(prefix)
                and not key.removesuffix(".stats").endswith(IDLE)
            }
            own = {
                key: value
                for key, value in found.items()
                if key.startswith(f"{network}.") and not key.endswith(IDLE)
            }
            assert bool(own) == (network != "D" or iteration == 1)
            check_gradients(
                wanted, own, prefix=f"{network}.", count=300, tolerance=tolerance
            )

    def check_validation(self, iteration, *, tolerance=1e-3):
        """Compare voxel IoU and discrepancy of views with the program's validation."""
        plots = {
            key: dict(self.expected[f"log.IoU_loss.{key}"])[iteration]
            for key in ("voxel_IoU_val", "MMD_val")
        }
        metric = VoxelIoU(
            (0.5,), bce_weight=None, mesh_voxels=dict(mode="visibility", scale=31 / 32)
        )
        metric.dataset_meta = {"categories": ["objects"], "taxonomy_ids": ["objects"]}
        with torch.no_grad():
            codes = self.model.eval().code(self.batch)
            meshes = self.model.decode(codes)
        metric.process(self.batch, list(meshes))
        iou = metric.evaluate(len(meshes))["voxel/iou_max"]
        np.testing.assert_allclose(iou, plots["voxel_IoU_val"], atol=5e-3)
        views = codes.unflatten(0, (-1, 24)).unbind(1)
        mmd = mean_of_pairs(pairwise_mmd(views))
        np.testing.assert_allclose(mmd, plots["MMD_val"], rtol=tolerance)


CASES = {
    "train_featgan": dict(kind="featgan", code=64),
    "train_featgan_642": dict(kind="featgan", code=512, seed=3),
    "train_vpl": dict(kind="vpl", code=64),
}


@pytest.mark.parametrize(
    "name",
    [
        "train_featgan_642",
        pytest.param("train_featgan", marks=pytest.mark.slow),
        pytest.param("train_vpl", marks=pytest.mark.slow),
    ],
)
def test_steps(golden, golden_dir, repository, name):
    run = Run(golden, golden_dir / "learn3d" / name, repository, **CASES[name])
    for iteration in (1, 2):
        if name == "train_vpl":
            other_views(run, iteration)
        run.check_losses(iteration, run.step())
        run.check_gradients(iteration)
    # The order in which optimisers step is another one, but all wait for all gradients.
    assert sorted(run.order[:3]) == [0, 1, 2] and sorted(run.order[3:]) == [0, 1]
    run.check_validation(1)


def other_views(run, iteration):
    """Show the other views that the program drew."""
    drawn = {
        int(own): int(other)
        for own, other in zip(
            run.given[f"batch{iteration}.viewids_real"],
            run.given[f"batch{iteration}.viewids_fake"],
            strict=True,
        )
    }

    def views(views, own):
        others = torch.tensor([drawn[int(one)] for one in own])
        angles = nmr_view_angles(24).float()[others][:, None]
        return views.replace(angles=angles), others

    run.model.adversary.other_views = views


def test_steps_of_adam(golden, golden_dir, repository):
    folder = golden_dir / "learn3d" / "train_featgan_adam"
    run = Run(golden, folder, repository, "featgan", code=64, lr=1e-4, seed=2)
    # Adam steps by the sign of small slopes, so that rounding grows: 1e-7 on the sphere
    # moves the third iteration's losses by 1 %. Two correct runs differed from the
    # recorded fourth by 2.7 and 4.8 %.
    for iteration, tolerance in ((1, None), (2, 1e-2), (3, 3e-2), (4, 0.12)):
        run.check_losses(iteration, run.step(), tolerance=tolerance)
        if iteration == 1:
            run.check_validation(iteration)
