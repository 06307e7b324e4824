# SPDX-License-Identifier: Apache-2.0
"""Checks of op arguments; messages name the argument, the expected and the found."""

import numpy as np
import torch
from torch import Tensor

TensorLike = Tensor | np.ndarray


def as_tensor(value: TensorLike, name: str) -> Tensor:
    """Takes a tensor or an array.

    Raises:
        TypeError: If ``value`` is neither.
    """
    if isinstance(value, Tensor):
        return value
    if isinstance(value, np.ndarray):
        return torch.from_numpy(np.ascontiguousarray(value))
    raise TypeError(
        f"{name}: expected a torch.Tensor or numpy.ndarray, found "
        f"{type(value).__name__}"
    )


def check_points(value: TensorLike, name: str) -> Tensor:
    """Checks coordinates of shape (N, 3): floating point and finite.

    Raises:
        TypeError: If the type or dtype is wrong.
        ValueError: If the shape is wrong or a coordinate is NaN or infinite.
    """
    tensor = as_tensor(value, name)
    if not tensor.is_floating_point():
        raise TypeError(f"{name}: expected a floating dtype, found {tensor.dtype}")
    if tensor.ndim != 2 or tensor.shape[1] != 3:
        raise ValueError(f"{name}: expected shape (N, 3), found {tuple(tensor.shape)}")
    check_finite(tensor, name)
    return tensor


def check_clouds(value: TensorLike, name: str, *, size: int = 3) -> Tensor:
    """Checks coordinates of shape (B, N, size): floating point and finite.

    Raises:
        TypeError: If the type or dtype is wrong.
        ValueError: If the shape is wrong or a coordinate is NaN or infinite.
    """
    tensor = as_tensor(value, name)
    if not tensor.is_floating_point():
        raise TypeError(f"{name}: expected a floating dtype, found {tensor.dtype}")
    if tensor.ndim != 3 or tensor.shape[2] != size:
        raise ValueError(
            f"{name}: expected shape (B, N, {size}), found {tuple(tensor.shape)}"
        )
    check_finite(tensor, name)
    return tensor


def check_cloud_pair(
    first: TensorLike, second: TensorLike, first_name: str, second_name: str
) -> tuple[Tensor, Tensor]:
    """Checks two batches of clouds that belong together; half becomes float32.

    Raises:
        TypeError: If a type or dtype is wrong, or the dtypes differ.
        ValueError: If a shape is wrong, the batches or devices differ, or a
            coordinate is NaN or infinite.
    """
    first = check_clouds(first, first_name)
    second = check_clouds(second, second_name)
    if first.dtype != second.dtype:
        raise TypeError(
            f"{second_name}: expected dtype {first.dtype} like {first_name}, found "
            f"{second.dtype}"
        )
    if first.device != second.device:
        raise ValueError(
            f"{second_name}: expected device {first.device} like {first_name}, found "
            f"{second.device}"
        )
    if first.shape[0] != second.shape[0]:
        raise ValueError(
            f"{second_name}: expected {first.shape[0]} clouds like {first_name}, "
            f"found {second.shape[0]}"
        )
    if first.dtype not in (torch.float32, torch.float64):
        return first.float(), second.float()
    return first, second


def check_lengths(value: TensorLike | None, clouds: Tensor, name: str) -> Tensor:
    """Checks (B,) numbers of valid points per cloud; None stands for all points.

    Raises:
        TypeError: If the dtype is not an integer one.
        ValueError: If the shape, the device or a number is wrong.
    """
    batch, count = clouds.shape[:2]
    if value is None:
        return torch.full((batch,), count, dtype=torch.int64, device=clouds.device)
    lengths = as_tensor(value, name)
    if lengths.is_floating_point() or lengths.dtype == torch.bool:
        raise TypeError(f"{name}: expected an integer dtype, found {lengths.dtype}")
    if lengths.shape != (batch,):
        raise ValueError(
            f"{name}: expected shape ({batch},), found {tuple(lengths.shape)}"
        )
    if lengths.device != clouds.device:
        raise ValueError(
            f"{name}: expected device {clouds.device}, found {lengths.device}"
        )
    if not torch.compiler.is_compiling() and batch:
        low, high = (int(v) for v in torch.aminmax(lengths))
        if low < 0 or high > count:
            raise ValueError(
                f"{name}: expected 0 to {count}, found {low if low < 0 else high}"
            )
    return lengths.long()


def check_finite(tensor: Tensor, name: str) -> None:
    """Raises ValueError that counts the NaN and infinite rows, if there are any."""
    if torch.compiler.is_compiling():
        return  # depends on the data; a graph cannot branch on it
    finite = torch.isfinite(tensor)
    if not bool(finite.all()):
        bad = ~finite.reshape(len(tensor), -1).all(dim=1)
        first = int(bad.nonzero()[0])
        raise ValueError(
            f"{name}: expected finite numbers, found NaN or infinity in "
            f"{int(bad.sum())} of {len(tensor)} rows, first in row {first}"
        )


def check_faces(value: TensorLike, vertices: Tensor) -> Tensor:
    """Checks vertex indices of shape (F, 3) and widens them to int64.

    Raises:
        TypeError: If the type or dtype is wrong.
        ValueError: If the shape is wrong or an index is out of range.
    """
    faces = as_tensor(value, "faces")
    if faces.dtype not in (torch.int64, torch.int32):
        raise TypeError(f"faces: expected int64 or int32, found {faces.dtype}")
    if faces.ndim != 2 or faces.shape[1] != 3:
        raise ValueError(f"faces: expected shape (F, 3), found {tuple(faces.shape)}")
    if faces.device != vertices.device:
        raise ValueError(
            f"faces: expected device {vertices.device} like vertices, found "
            f"{faces.device}"
        )
    if not torch.compiler.is_compiling() and faces.numel():
        low, high = (int(v) for v in torch.aminmax(faces))
        if low < 0 or high >= len(vertices):
            raise ValueError(
                f"faces: expected indices from 0 to {len(vertices) - 1} (there are "
                f"{len(vertices)} vertices), found {low if low < 0 else high}"
            )
    return faces.long()


def check_batched_faces(value: TensorLike, vertices: Tensor) -> Tensor:
    """Checks vertex indices of (B, V, C) meshes, shared (F, 3) or own (B, F, 3).

    Returns:
        (1, F, 3) or (B, F, 3) int64.

    Raises:
        TypeError: If the type or dtype is wrong.
        ValueError: If the shape is wrong or an index is out of range.
    """
    faces = as_tensor(value, "faces")
    batch = len(vertices)
    shaped = faces.ndim in (2, 3) and faces.shape[-1] == 3
    if not shaped or (faces.ndim == 3 and faces.shape[0] != batch):
        raise ValueError(
            f"faces: expected shape (F, 3) or ({batch}, F, 3), found "
            f"{tuple(faces.shape)}"
        )
    if faces.device != vertices.device:
        raise ValueError(
            f"faces: expected device {vertices.device} like vertices, found "
            f"{faces.device}"
        )
    rows = faces.reshape(-1, 3)
    rows = check_faces(rows, vertices.new_empty(vertices.shape[1], 0))
    return rows.reshape(1 if faces.ndim == 2 else batch, faces.shape[-2], 3)


def check_image_size(value: int | tuple[int, int]) -> tuple[int, int]:
    """Checks a side, or (height, width), in pixels.

    Raises:
        TypeError: If it is neither.
        ValueError: If a side is out of bounds.
    """
    sides = tuple(value) if isinstance(value, tuple | list) else (value, value)
    if len(sides) != 2:
        raise ValueError(
            f"image_size: expected an int or (height, width), found {value}"
        )
    height = check_size(sides[0], "image_size", high=1 << 14)
    return height, check_size(sides[1], "image_size", high=1 << 14)


def check_cameras(
    extrinsics: TensorLike, intrinsics: TensorLike, vertices: Tensor
) -> tuple[Tensor, Tensor]:
    """Checks (N, 3, 4) object-to-camera and (N, 3, 3) pixel matrices.

    Raises:
        TypeError: If a type or dtype is wrong.
        ValueError: If a shape is wrong, or a number is not finite.
    """
    checked = []
    for value, name, shape in (
        (extrinsics, "extrinsics", (3, 4)),
        (intrinsics, "intrinsics", (3, 3)),
    ):
        tensor = as_tensor(value, name)
        if not tensor.is_floating_point():
            raise TypeError(f"{name}: expected a floating dtype, found {tensor.dtype}")
        if tensor.ndim != 3 or tuple(tensor.shape[1:]) != shape:
            raise ValueError(
                f"{name}: expected shape (N, {shape[0]}, {shape[1]}), found "
                f"{tuple(tensor.shape)}"
            )
        if tensor.device != vertices.device:
            raise ValueError(
                f"{name}: expected device {vertices.device} like vertices, found "
                f"{tensor.device}"
            )
        check_finite(tensor, name)
        checked.append(tensor)
    if len(checked[0]) != len(checked[1]):
        raise ValueError(
            f"intrinsics: expected {len(checked[0])} cameras like extrinsics, found "
            f"{len(checked[1])}"
        )
    return checked[0], checked[1]


def check_size(value: int, name: str, *, low: int = 1, high: int = 1 << 20) -> int:
    """Checks a whole number within bounds.

    Raises:
        TypeError: If it is no whole number.
        ValueError: If it is out of bounds.
    """
    if torch.compiler.is_compiling():
        return value
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name}: expected an int, found {type(value).__name__}")
    if not low <= value <= high:
        raise ValueError(f"{name}: expected {low} to {high}, found {value}")
    return int(value)


def check_choice(value: str, name: str, choices: tuple[str, ...]) -> str:
    """Checks a word that must be one of a few.

    Raises:
        ValueError: If it is none of them.
    """
    if value not in choices:
        words = ", ".join(map(repr, choices))
        raise ValueError(f"{name}: expected one of {words}, found {value!r}")
    return value
