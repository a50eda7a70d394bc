"""Activation functions and their derivatives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from surefoot import _core, autograd
from surefoot._check import integer

from ._figure import labelled, limits, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def activation_functions(
    functions: Callable[[Any], Any] | Mapping[str, Callable[[Any], Any]],
    xlim: tuple[float, float] = (-5.0, 5.0),
    *,
    resolution: int = 401,
) -> Figure:
    """Draw elementwise functions and, in a second panel, their derivatives by autograd.

    Args:
        functions: a function on tensors or a module, or a dict of them by label.
        xlim: ends (low, high) of the arguments.
        resolution: points along the axis; an odd number has the middle among them.

    Raises:
        ValueError: a function whose result has another shape than its argument.

    Example:
        >>> import surefoot as sf
        >>> figure = activation_functions({"sigmoid": sf.sigmoid, "tanh": sf.tanh})
        >>> round(float(figure.axes[1].lines[0].get_ydata().max()), 4)  # at most 1/4
        0.25
    """
    owner = "activation_functions"
    by_label = labelled(owner, "functions", functions, callable)
    low, high = limits(owner, "xlim", xlim)
    count = integer(owner, "resolution", resolution, 1)
    figure, (values, slopes) = new_figure(owner, 1, 2)
    for label, function in by_label.items():
        x = _core.linspace(low, high, count, dtype=_core.float64).requires_grad_()
        with autograd.enable_grad():
            y = function(x)
            if tuple(y.shape) != tuple(x.shape):
                raise ValueError(
                    f"[{owner}] {label or 'the function'}: {tuple(x.shape)} became "
                    f"{tuple(y.shape)}; only elementwise functions can be drawn"
                )
            (slope,) = autograd.grad(y.sum(), x)
        assert slope is not None
        at = x.detach().numpy()
        values.plot(at, y.detach().numpy(), label=label)
        slopes.plot(at, slope.detach().numpy(), label=label)
    values.set_title("value")
    slopes.set_title("derivative")
    if "" not in by_label:
        values.legend()
    return figure
