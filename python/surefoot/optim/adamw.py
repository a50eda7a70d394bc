"""AdamW: Adam whose weight decay does not pass through the averages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from ._presets import with_presets
from .adam import Adam

__all__ = ["AdamW"]


class AdamW(Adam):
    """Adam with decoupled weight decay: every weight shrinks by the same share of itself.

    As :class:`Adam` with ``g = grad`` (``-grad`` if ``maximize``), and::

        p = (1 - lr * weight_decay) * p - lr * m' / (sqrt(v') + eps)

    Args:
        params, lr, betas, eps, amsgrad, maximize, eps_mode, bias_correction: as in :class:`Adam`.
        weight_decay: the share, times lr, that each step takes off the parameter, >= 0.
        like: ``'keras'`` takes Keras's defaults for what is not given: eps 1e-7 before the
            correction, weight_decay 0.004.

    Raises:
        ValueError: a value out of range.

    Example:
        >>> import surefoot as sf
        >>> w = sf.tensor([1.0, 2.0], requires_grad=True)
        >>> opt = sf.optim.AdamW([w], lr=0.1, weight_decay=0.5)
        >>> (w * w).sum().backward()
        >>> _ = opt.step()
        >>> [round(x, 4) for x in w.tolist()]
        [0.85, 1.8]

    Known misprint: "L2 penalty is weight decay" holds for SGD; here the two differ.
    Source: Loshchilov and Hutter 2019, "Decoupled weight decay regularization".
    """

    @with_presets
    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        eps_mode: Literal["outside", "inside", "uncorrected"] = "outside",
        bias_correction: bool = True,
        like: Literal["torch", "keras"] = "torch",
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            maximize=maximize,
            eps_mode=eps_mode,
            bias_correction=bias_correction,
            decoupled_weight_decay=True,
        )
