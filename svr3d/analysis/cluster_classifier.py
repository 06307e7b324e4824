# SPDX-License-Identifier: Apache-2.0
"""A network that only recognises: it tells which cluster of training shapes is seen."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from svr3d.analysis.dispersion.k_medoids import cheapest_members, k_medoids
from svr3d.analysis.nearest_clouds import pairwise_chamfer
from svr3d.models.backbones.resnet_features import ResNetFeatures
from svr3d.models.layers.imagenet import ImageNetNormalization

# The published learning rates of the trunk's layers, as parts of the classifier's.
_LAYER_PARTS = {"conv1": 10, "bn1": 10, "layer1": 8, "layer2": 6, "layer3": 4}
_LAYER_PARTS["layer4"] = 2


@dataclass(frozen=True)
class ClusterSettings:
    """How training shapes are clustered and the classifier is trained.

    The defaults are those of YefanZhou/dispersion-score, after Tatarchenko et al.,
    "What Do Single-view 3D Reconstruction Networks Learn?" (CVPR 2019).

    Attributes:
        num_clusters: Clusters of the training clouds; fewer where there are fewer.
        epochs: Passes over the training images.
        batch_size: Images per step.
        learning_rate: Of Adam for the classifier; a tenth after each third of the
            epochs.
        slow_trunk: Whether the trunk's layers learn by a tenth to a half of that.
        depth: Of the ResNet.
        pretrained: File of torchvision's weights of it; None starts from random ones.
        image_size: Side that images are resized to.
        seed: Of the clusters, the weights and the order of images.
    """

    num_clusters: int = 500
    epochs: int = 30
    batch_size: int = 32
    learning_rate: float = 1e-3
    slow_trunk: bool = True
    depth: int = 50
    pretrained: str | None = None
    image_size: int = 224
    seed: int = 1

    def __post_init__(self):
        for name in ("num_clusters", "epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"{name}: expected at least 1, found {getattr(self, name)}"
                )


def cluster_shapes(
    distances: np.ndarray, num_clusters: int, *, seed: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Cluster training shapes, each of which a representative stands for.

    Args:
        distances: (N, N) symmetric.
        num_clusters: Number of clusters; N at most.
        seed: Of K-medoids.

    Returns:
        (N,) cluster of each shape; (k,) the member of each with the smallest distances
        to the others.
    """
    found = k_medoids(distances, min(num_clusters, len(distances)), seed=seed)
    # Shapes that are equal may leave a cluster empty: it has no number then.
    _, labels = np.unique(found.labels, return_inverse=True)
    return labels, cheapest_members(distances, labels)[0]


class ClusterClassifier(nn.Module):
    """ResNet, mean over the image, and two layers that tell the cluster."""

    def __init__(
        self,
        num_clusters: int,
        *,
        depth: int = 50,
        pretrained: str | None = None,
        image_size: int = 224,
    ):
        """Set up the layers.

        Args:
            num_clusters: Classes.
            depth: Of the ResNet.
            pretrained: File or URL of torchvision's weights, or None.
            image_size: Side that images are resized to.
        """
        super().__init__()
        self.image_size = image_size
        self.trunk = ResNetFeatures(depth, pretrained=pretrained)
        self.trunk.init_weights()
        self.head = nn.Sequential(
            nn.Linear(self.trunk.out_channels, 1024),
            nn.ReLU(),
            nn.Linear(1024, num_clusters),
        )
        self.normalize = ImageNetNormalization()

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (N, clusters) of images (N, 3, H, W) in [0, 1]."""
        size = (self.image_size, self.image_size)
        images = F.interpolate(images, size, mode="bilinear", antialias=True)
        maps = self.trunk(self.normalize(images))
        return self.head(maps.mean(dim=(2, 3)))

    def parameter_groups(self, learning_rate: float, *, slow_trunk: bool) -> list[dict]:
        """Return what the optimiser takes: the trunk's layers learn more slowly."""
        groups = [{"params": list(self.head.parameters()), "lr": learning_rate}]
        for name, part in _LAYER_PARTS.items():
            rate = learning_rate / part if slow_trunk else learning_rate
            layer = getattr(self.trunk, name)
            groups.append({"params": list(layer.parameters()), "lr": rate})
        return groups


def train_classifier(
    read: Callable[[int], Tensor],
    labels: Sequence[int],
    settings: ClusterSettings,
    *,
    report: Callable[[str], None] = lambda message: None,
) -> ClusterClassifier:
    """Train by cross-entropy.

    Args:
        read: Returns the image (3, H, W) of a training object.
        labels: Cluster of each.
        settings: Of the training.
        report: Receives a line per epoch.

    Returns:
        The network, in evaluation mode.
    """
    truth = torch.as_tensor(np.asarray(labels), dtype=torch.int64)
    generator = torch.Generator().manual_seed(settings.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        network = ClusterClassifier(
            int(truth.max()) + 1,
            depth=settings.depth,
            pretrained=settings.pretrained,
            image_size=settings.image_size,
        )
    optimizer = torch.optim.Adam(
        network.parameter_groups(settings.learning_rate, slow_trunk=settings.slow_trunk)
    )
    decay = torch.optim.lr_scheduler.StepLR(optimizer, -(-settings.epochs // 3), 0.1)
    with ThreadPoolExecutor() as pool:
        for epoch in range(settings.epochs):
            network.train()
            losses = []
            order = torch.randperm(len(truth), generator=generator)
            for chosen in order.split(settings.batch_size):
                if len(chosen) == 1 and len(order) > 1:
                    continue  # a batch norm cannot normalise one image
                images = torch.stack(list(pool.map(read, chosen.tolist())))
                loss = F.cross_entropy(network(images), truth[chosen])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                losses.append(float(loss.detach()))
            decay.step()
            mean = float(np.mean(losses))
            report(f"classifier, epoch {epoch + 1}: cross-entropy {mean:.4f}")
    return network.eval()


@torch.no_grad()
def classify(
    network: ClusterClassifier,
    read: Callable[[int], Tensor],
    count: int,
    *,
    batch_size: int = 32,
) -> list[int]:
    """Return the likeliest cluster of each of ``count`` images."""
    found = []
    with ThreadPoolExecutor() as pool:
        for chosen in torch.arange(count).split(batch_size):
            images = torch.stack(list(pool.map(read, chosen.tolist())))
            found += network(images).argmax(dim=1).tolist()
    return found


def recognize(
    clouds: Tensor,
    read_train: Callable[[int], Tensor],
    read_test: Callable[[int], Tensor],
    count: int,
    settings: ClusterSettings,
    *,
    report: Callable[[str], None] = lambda message: None,
) -> list[int]:
    """Return the training cloud that the classifier answers each test image with.

    Args:
        clouds: Of the training objects (N, P, 3); the cost of comparing them grows as
            the square of N.
        read_train: Returns the image (3, H, W) of a training object.
        read_test: Returns the image of a test object.
        count: Number of test objects.
        settings: Of clusters and training.
        report: Receives a line on progress.
    """
    report(f"clustering {len(clouds)} training clouds")
    distances = pairwise_chamfer(clouds).numpy()
    labels, chosen = cluster_shapes(
        distances, settings.num_clusters, seed=settings.seed
    )
    network = train_classifier(read_train, labels, settings, report=report)
    found = classify(network, read_test, count, batch_size=settings.batch_size)
    return [int(chosen[label]) for label in found]
