"""Arrays of image files."""

from __future__ import annotations

import os
from collections.abc import Callable
from glob import glob
from typing import Any

import numpy as np

from oxidask.array.core import Array, blockwise_layer
from oxidask.tokenize import tokenize

__all__ = ["add_leading_dimension", "imread"]


def add_leading_dimension(x: Any) -> Any:
    """Return an image as a block of one image.

    Parameters
    ----------
    x
        The image.

    Examples
    --------
    >>> import numpy as np
    >>> add_leading_dimension(np.ones((2, 3))).shape
    (1, 2, 3)
    """
    return x[None, ...]


class _File:
    """The file of each block."""

    def __init__(self, names: list[str]) -> None:
        self.names = names

    def __call__(self, index: tuple[int, ...]) -> str:
        return self.names[index[0]]

    def __dask_tokenize__(self) -> Any:
        return "files", self.names


def _image_block(name: str, read: Any, preprocess: Any) -> Any:
    image = read(name)
    return add_leading_dimension(image if preprocess is None else preprocess(image))


def imread(
    filename: str,
    imread: Callable[..., Any] | None = None,
    preprocess: Callable[..., Any] | None = None,
) -> Array:
    """Read images as one array, one block for each file.

    Parameters
    ----------
    filename
        A pattern of names, such as ``"photos/*.png"``.
    imread
        A function that reads a file; scikit-image's by default.
    preprocess
        A function of each image.

    Examples
    --------
    >>> import oxidask.array.image as images
    >>> images.imread("no such file", imread=open)
    Traceback (most recent call last):
        ...
    ValueError: No files found under name no such file
    """
    if imread is None:
        try:
            from skimage.io import imread  # type: ignore[import-not-found, no-redef]
        except ImportError:
            raise ImportError(
                "imread without a function to read files needs scikit-image; install it, or pass "
                "imread=..."
            ) from None
    names = sorted(glob(filename))
    if not names:
        raise ValueError(f"No files found under name {filename}")
    name = f"imread-{tokenize(names, [os.path.getmtime(n) for n in names], imread, preprocess)}"
    sample = imread(names[0])  # type: ignore[misc]
    if preprocess is not None:
        sample = preprocess(sample)
    chunks = ((1,) * len(names), *((n,) for n in sample.shape))
    meta = np.empty((0,) * (sample.ndim + 1), sample.dtype)
    args = [("per_block", _File(names)), ("literal", imread), ("literal", preprocess)]
    return blockwise_layer(name, _image_block, args, chunks, meta)
