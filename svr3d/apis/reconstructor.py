# SPDX-License-Identifier: Apache-2.0
"""From images to shapes with a trained model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
import torch

from svr3d.errors import DataError, SVR3DError
from svr3d.structures import DEFAULT_THRESHOLD, Structure

from .input_images import IMAGE_SUFFIXES, ImageInput
from .preprocessing import ImagePipeline

Inputs = dict[str, torch.Tensor]
ErrorHandler = Callable[[str, Exception], None]
_GENERIC_NAMES = ("", "image", "images", "rendering", "renderings", "view", "views")


@dataclass(repr=False, eq=False)
class Reconstruction:
    """What a model made of one object.

    Attributes:
        name: Of the object, from its file or folder.
        shape: A batch of one sample in the object frame, in host memory.
        pictures: The views as the network saw them, (H, W, 3) uint8 each.
    """

    name: str
    shape: Structure
    pictures: list[np.ndarray]


class Reconstructor:
    """Reconstructs shapes from images with the model of a checkpoint.

    The checkpoint tells everything: the model, the pipeline that its test images went
    through, and the threshold. Images may be files, arrays or PIL images, with alpha
    or before a background of one colour (see
    :func:`svr3d.apis.input_images.load_rgba`); those that do not have the size of the
    data set's renderings are framed as these are.

        shape = Reconstructor("model.pth")(["front.png", "side.png"])
        shape.export("shape.glb")

    Attributes:
        threshold: Probability from which something is solid.
        threshold_source: Where it comes from, in words.
        categories: Names of the categories that the model was trained on.
    """

    def __init__(
        self,
        checkpoint: str | PathLike,
        *,
        device: str | torch.device | None = None,
        threshold: float | None = None,
    ):
        """Load the model.

        Args:
            checkpoint: File that training wrote.
            device: Where the model runs; None takes a GPU if there is one.
            threshold: In (0, 1); None takes the one that was best on the validation
                set, or, if the checkpoint stores none, that of the model's head, or
                0.4.

        Raises:
            CheckpointError: The checkpoint cannot be used.
            ConfigError: Its config cannot be built.
        """
        from svr3d.engine.checkpoint import load_model
        from svr3d.models.layers.fold_batch_norms import fold_batch_norms

        if threshold is not None and not 0 < threshold < 1:
            raise ValueError(f"threshold must lie between 0 and 1, found {threshold}")
        if device is None:
            device = "cuda" if torch.cuda.is_available() else "cpu"
        self.device = torch.device(device)
        self.model, self.config, self.meta = load_model(checkpoint, self.device)
        fold_batch_norms(self.model)
        self.threshold, self.threshold_source = _threshold(
            threshold, self.meta, self.model
        )
        dataset_meta = self.meta.get("dataset_meta") or {}
        self.categories = list(dataset_meta.get("categories", ()))
        self.pipeline = ImagePipeline.from_config(self.config, source=str(checkpoint))

    def __call__(self, images: ImageInput | Sequence[ImageInput]) -> Structure:
        """Reconstruct one object.

        Args:
            images: One image, or a list (or an array (V, H, W, C)) of views of the same
                object.

        Returns:
            A batch of one sample, in host memory.

        Raises:
            DataError: An image cannot be used; the message names it.
        """
        stacked = isinstance(images, np.ndarray) and images.ndim == 4
        several = stacked or isinstance(images, list | tuple)
        views = list(images) if several else [images]
        return next(self.reconstruct([("object", views)])).shape

    def reconstruct(
        self,
        objects: Iterable[tuple[str, Sequence[ImageInput]]],
        *,
        batch_size: int = 16,
        on_error: ErrorHandler | None = None,
    ) -> Iterator[Reconstruction]:
        """Reconstruct many objects in batches.

        Args:
            objects: Name and views of each object. Objects that follow one another and
                have equally many views share a batch.
            batch_size: Most objects of a batch.
            on_error: Called with an object's name and its error, after which the
                others go on; None raises the error.

        Yields:
            One reconstruction for each object without an error, in their order.
        """
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, found {batch_size}")
        waiting: list[tuple[str, Inputs]] = []
        for name, views in objects:
            try:
                inputs = self.pipeline.inputs(views)
            except (SVR3DError, OSError) as error:
                if on_error is None:
                    raise
                on_error(name, error)
                continue
            if waiting and (
                len(waiting) == batch_size or _shapes(inputs) != _shapes(waiting[0][1])
            ):
                yield from self._predict(waiting)
                waiting = []
            waiting.append((name, inputs))
        if waiting:
            yield from self._predict(waiting)

    def reconstruct_folder(
        self,
        folder: str | PathLike,
        *,
        multi_view: bool = False,
        batch_size: int = 16,
        on_error: ErrorHandler | None = None,
    ) -> Iterator[Reconstruction]:
        """Reconstruct all images below a folder, see :func:`find_objects`.

        Args:
            folder: Where the images are.
            multi_view: All images of one folder show the same object.
            batch_size: Most objects of a batch.
            on_error: As in :meth:`reconstruct`.

        Yields:
            One reconstruction for each object without an error.
        """
        objects = find_objects([folder], multi_view=multi_view)
        yield from self.reconstruct(objects, batch_size=batch_size, on_error=on_error)

    @torch.no_grad()
    def code(
        self, views: Sequence[ImageInput]
    ) -> tuple[torch.Tensor, list[np.ndarray]]:
        """Return the code that the model makes of one object.

        Args:
            views: Images of the object.

        Returns:
            The code (1, ...), on the model's device, and the views as the network saw
            them, (H, W, 3) uint8 each.

        Raises:
            ConfigError: The method has no code.
            DataError: An image cannot be used; the message names it.
        """
        batch = _batch([("object", self.pipeline.inputs(views))])
        data = self.model.data_preprocessor(dict(batch), False)
        return self.model.code(data), _pictures(batch["images"][0])

    @torch.no_grad()
    def decode(self, codes: torch.Tensor, *, batch_size: int = 16) -> Structure:
        """Return the shapes of codes.

        Args:
            codes: (N, ...), such as those of :meth:`code`.
            batch_size: Most codes at once.

        Returns:
            A batch of N samples, in host memory.

        Raises:
            ConfigError: The method has no code.
        """
        parts = [
            self.model.decode(part.to(self.device)).cpu()
            for part in codes.split(batch_size)
        ]
        return self._with_threshold(type(parts[0]).cat(parts))

    @torch.no_grad()
    def _predict(
        self, waiting: Sequence[tuple[str, Inputs]]
    ) -> Iterator[Reconstruction]:
        batch = _batch(waiting)
        shapes = self.model.test_step(dict(batch)).cpu()
        for (name, inputs), shape in zip(waiting, shapes, strict=True):
            shape = self._with_threshold(shape)
            yield Reconstruction(name, shape, _pictures(inputs["images"]))

    def _with_threshold(self, shape: Structure) -> Structure:
        if hasattr(shape, "threshold"):
            shape.threshold = self.threshold
        return shape


def _shapes(inputs: Inputs) -> dict[str, tuple[int, ...]]:
    return {key: tuple(value.shape) for key, value in inputs.items()}


def _batch(objects: Sequence[tuple[str, Inputs]]) -> dict:
    """Collate what the pipeline made of objects."""
    batch: dict = {
        key: torch.stack([inputs[key] for _, inputs in objects])
        for key in objects[0][1]
    }
    return batch | {"sample_id": [name for name, _ in objects]}


def _pictures(views: torch.Tensor) -> list[np.ndarray]:
    """Return views (V, 3, H, W) as they are looked at."""
    from svr3d.visualization import image_to_picture

    return [image_to_picture(view.numpy()) for view in views]


def find_objects(
    paths: Sequence[str | PathLike], *, multi_view: bool = False
) -> list[tuple[str, list[Path]]]:
    """Turn files and folders into named objects.

    Args:
        paths: Images, and folders that are searched with all folders below.
        multi_view: Images of one folder are views of one object, in the order of their
            names; images that are named one by one are views of one object, in the
            order given. Otherwise each image is an object of its own.

    Returns:
        Name and images of each object; names are unique.

    Raises:
        DataError: A path does not exist, or no image was found.
    """
    named: list[Path] = []
    found: list[tuple[Path, list[Path]]] = []
    for path in map(Path, paths):
        if path.is_dir():
            images = [p for p in path.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES]
            folders = sorted({image.parent for image in images})
            found += [
                (folder, sorted(i for i in images if i.parent == folder))
                for folder in folders
            ]
        else:
            named.append(path)
    if multi_view:
        objects = [(_object_name(images[0]), images) for images in [named] if images]
        objects += [(_object_name(folder), images) for folder, images in found]
    else:
        single = named + [image for _, images in found for image in images]
        objects = [(image.stem, [image]) for image in single]
    if not objects:
        searched = ", ".join(map(str, paths)) or "nothing"
        raise DataError(
            f"{searched}: expected images ({' '.join(IMAGE_SUFFIXES)}), found none"
        )
    return _unique_names(objects)


def _object_name(path: Path) -> str:
    """Name an object after a file or folder, or the nearest folder that tells more."""
    path = path.resolve()
    for candidate in (path, *path.parents):
        if not candidate.stem.isdigit() and candidate.stem not in _GENERIC_NAMES:
            return candidate.stem if candidate.is_file() else candidate.name
    return path.stem


def _unique_names(
    objects: list[tuple[str, list[Path]]],
) -> list[tuple[str, list[Path]]]:
    seen: dict[str, int] = {}
    unique = []
    for name, images in objects:
        label = name
        while label in seen:
            seen[name] += 1
            label = f"{name}_{seen[name]}"
        seen[label] = 1
        unique.append((label, images))
    return unique


def _threshold(
    given: float | None, meta: dict, model: torch.nn.Module
) -> tuple[float, str]:
    if given is not None:
        return given, "given"
    own = getattr(getattr(model, "head", None), "threshold", None)
    found = {
        name: round(float(value), 6)
        for name, value in (meta.get("val_metrics") or {}).items()
        if name.endswith("iou_max_threshold")
    }
    if found:
        # Of a field's thresholds, the one at points: voxels only sample it coarsely.
        name = min(found, key=lambda name: "voxel" in name)
        return found[name], "best on the validation set"
    if own is not None:
        return own, "the model's own, as the checkpoint stores none"
    return DEFAULT_THRESHOLD, "the default, as the checkpoint stores none"
