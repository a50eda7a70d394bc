"""The weights of a first layer as pictures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from surefoot._check import integer
from surefoot.nn import Module

from ._figure import Array, array, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def weight_images(
    weight: Any,
    image_shape: tuple[int, ...] | None = None,
    *,
    max_images: int = 64,
    cmap: str = "RdBu",
) -> Figure:
    """Draw the weights of each unit of a layer as a picture: what the unit looks for.

    Args:
        weight: a module, whose first weight of two or more dimensions is taken; or a weight:
            (units, inputs) of a linear layer, (units, channels, height, width) of a convolution.
        image_shape: of the inputs of a linear layer, (height, width) or (channels, height, width).
        max_images: the first so many units.
        cmap: a colour map of matplotlib; 0 is in its middle, the largest weight of all at an end.

    Three channels are drawn as red, green and blue; of another number the mean.

    Example:
        >>> import surefoot as sf
        >>> figure = weight_images(sf.nn.Linear(64, 12), image_shape=(8, 8))
        >>> len([axes for axes in figure.axes if axes.images])
        12
    """
    owner = "weight_images"
    images = _images(owner, array(_first_weight(owner, weight)).astype(np.float64), image_shape)
    images = images[: integer(owner, "max_images", max_images, 1)]
    if not np.isfinite(images).all():
        raise ValueError(f"[{owner}] the weights are not all finite")
    columns = min(len(images), 8)
    figure, panels = new_figure(owner, math.ceil(len(images) / columns), columns, (0.9, 0.9))
    bound = float(np.abs(images).max()) or 1.0
    for panel in panels:
        panel.set_axis_off()
    for panel, image in zip(panels, images, strict=False):
        if len(image) == 3:
            panel.imshow(0.5 + 0.5 * image.transpose(1, 2, 0) / bound)
        else:
            panel.imshow(image.mean(axis=0), cmap=cmap, vmin=-bound, vmax=bound)
    return figure


def _first_weight(owner: str, weight: Any) -> Any:
    if not isinstance(weight, Module):
        return weight
    for parameter in weight.parameters():
        if parameter.dim() >= 2:
            return parameter
    raise ValueError(f"[{owner}] {type(weight).__name__} has no weights of 2 dimensions or more")


def _images(owner: str, weight: Array, image_shape: tuple[int, ...] | None) -> Array:
    """Shape (units, channels, height, width)."""
    if weight.ndim == 4 and image_shape is None and weight.size:
        return weight
    shape = tuple(image_shape or ())
    if weight.ndim != 2 or not weight.size or len(shape) not in (2, 3):
        raise ValueError(
            f"[{owner}] weights {weight.shape} with image_shape={image_shape}: must be (units, "
            "inputs) with (height, width) or (channels, height, width), or (units, channels, "
            "height, width) without"
        )
    if math.prod(shape) != weight.shape[1]:
        raise ValueError(
            f"[{owner}] image_shape={shape} has {math.prod(shape)} numbers, a unit has "
            f"{weight.shape[1]} weights"
        )
    return weight.reshape(len(weight), -1, *shape[-2:])
