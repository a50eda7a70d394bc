"""What grows or thaws during a run: batches, layers, depth."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from surefoot import nn
from surefoot._check import integer
from surefoot.optim.lr_scheduler import BatchSizeGrowth

from .callbacks import Callback

__all__ = ["Freeze", "GrowBatchSize", "ProgressiveDepth"]

if TYPE_CHECKING:
    from .trainer import Trainer


class GrowBatchSize(Callback):
    """Larger batches as the run goes on: ``size0 * factor^floor(epochs / every)``.

    For data that ``fit`` makes the batches of, and for a DataLoader; the column ``batch_size`` of
    the history says what was in use. The rate stays; see ``optim.lr_scheduler.BatchSizeGrowth``.

    Args:
        every: epochs between two growths.
        factor: growth, at least 1.
        max_size: limit; none if left out.

    Example:
        >>> import surefoot as sf
        >>> model = sf.nn.Linear(1, 1)
        >>> optimizer = sf.optim.SGD(model.parameters(), lr=0.1)
        >>> grow = GrowBatchSize(every=2)
        >>> trainer = sf.train.Trainer(model, sf.nn.MSELoss(), optimizer, callbacks=[grow])
        >>> x = sf.ones(16, 1)
        >>> history = trainer.fit((x, x), epochs=4, batch_size=4, progress=False)
        >>> history["batch_size"]
        [4, 4, 8, 8]
    """

    def __init__(self, every: int = 1, factor: float = 2.0, max_size: int | None = None) -> None:
        self.every, self.factor, self.max_size = every, factor, max_size
        self._growth: BatchSizeGrowth | None = None

    def state_dict(self) -> dict[str, Any]:
        """How far it has grown."""
        return {"growth": None if self._growth is None else self._growth.state_dict()}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from there."""
        if self._growth is not None and state_dict["growth"] is not None:
            self._growth.load_state_dict(state_dict["growth"])

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Take hold of the loader."""
        loader = trainer.feeds["train"].source
        if not hasattr(loader, "batch_size"):
            raise TypeError(
                f"[GrowBatchSize] {type(loader).__name__} has no batch_size; pass fit arrays, a "
                "data set or a DataLoader"
            )
        if self._growth is None or self._growth.loader is not loader:
            begun = trainer.state.epoch - 1  # a second fit goes on
            growth = BatchSizeGrowth(loader, self.every, self.factor, self.max_size, begun)
            self._growth = growth

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Note the size and grow."""
        if self._growth is not None:
            trainer.state.row["batch_size"] = self._growth.get_batch_size()
            self._growth.step()


class Freeze(Callback):
    """Keeps parameters as they are, for the whole run or up to an epoch.

    ``requires_grad`` is off meanwhile, so they cost no backward pass, and neither decay nor
    momentum moves them. Afterwards, and at the end of the run, it is as it was before.

    Args:
        names: patterns of parameter names; ``"0.*"`` is all of layer 0, ``"*.bias"`` every bias.
        until: the first epoch in which they learn; never if left out.

    Raises:
        ValueError: (in ``fit``) a pattern that fits no parameter.

    Example:
        >>> import surefoot as sf
        >>> model = sf.nn.Sequential(sf.nn.Linear(1, 2), sf.nn.Linear(2, 1))
        >>> optimizer = sf.optim.SGD(model.parameters(), lr=0.1)
        >>> freeze = Freeze("0.*", until=3)
        >>> trainer = sf.train.Trainer(model, sf.nn.MSELoss(), optimizer, callbacks=[freeze])
        >>> before = model[0].weight.tolist()
        >>> _ = trainer.fit((sf.ones(4, 1), sf.ones(4, 1)), epochs=2, progress=False)
        >>> model[0].weight.tolist() == before
        True
    """

    def __init__(self, *names: str, until: int | None = None) -> None:
        if not names:
            raise ValueError("[Freeze] name what to freeze, such as '0.*'")
        self.names, self.until = names, until
        self._frozen: list[nn.Parameter] = []

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Freeze."""
        known = dict(trainer.model.named_parameters())
        for pattern in self.names:
            if not fnmatch.filter(known, pattern):
                raise ValueError(
                    f"[Freeze] no parameter is called {pattern!r}; there is {', '.join(known)}"
                )
        for name, parameter in known.items():
            if parameter.requires_grad and any(fnmatch.fnmatch(name, p) for p in self.names):
                parameter.requires_grad_(False)
                self._frozen.append(parameter)

    def state_dict(self) -> dict[str, Any]:
        """Whether it is in force."""
        return {"frozen": bool(self._frozen)}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Thaw, if that was done."""
        if not state_dict["frozen"]:
            self._thaw()

    def on_epoch_begin(self, trainer: Trainer) -> None:
        """Thaw when it is time."""
        if self.until is not None and trainer.state.epoch >= self.until:
            self._thaw()

    def on_fit_end(self, trainer: Trainer) -> None:
        """Leave the parameters as they were found."""
        self._thaw()

    def _thaw(self) -> None:
        for parameter in self._frozen:
            parameter.requires_grad_(True)
        self._frozen = []


class ProgressiveDepth(Callback):
    """Starts with a shallow net and adds one block after the other; what was learned stays fixed.

    The model has its full depth from the beginning. Blocks whose turn has not come hand their input
    on unchanged, so each must give the shape it takes. When a block joins, the earlier ones are
    frozen; all other layers (the first, the head) keep learning. In the end everything learns.

    Args:
        blocks: names of modules in their order, such as ``["2", "3"]``; the first one takes part
            from the start.
        every: epochs between two blocks, and before the last stage in which all learn.
        freeze: keep the earlier blocks fixed while a new one learns.

    A block that waits is computed and its result thrown away, and batch normalisation within it
    gathers statistics meanwhile. The column ``depth`` of the history counts the blocks that take
    part.

    Example:
        >>> import surefoot as sf
        >>> block = lambda: sf.nn.Sequential(sf.nn.Linear(4, 4), sf.nn.ReLU())
        >>> model = sf.nn.Sequential(sf.nn.Linear(1, 4), block(), block(), sf.nn.Linear(4, 1))
        >>> optimizer = sf.optim.SGD(model.parameters(), lr=0.01)
        >>> grow = ProgressiveDepth(["1", "2"], every=2)
        >>> trainer = sf.train.Trainer(model, sf.nn.MSELoss(), optimizer, callbacks=[grow])
        >>> x = sf.ones(8, 1)
        >>> trainer.fit((x, x), epochs=5, progress=False)["depth"]
        [1, 1, 2, 2, 2]

    Source: Bengio et al. 2007, "Greedy layer-wise training of deep networks".
    """

    def __init__(self, blocks: Sequence[str], every: int, freeze: bool = True) -> None:
        if not blocks or isinstance(blocks, str):
            raise ValueError("[ProgressiveDepth] blocks is a list of module names, such as ['2']")
        self.blocks, self.freeze = list(blocks), freeze
        self.every = integer("ProgressiveDepth", "every", every, 1)
        self._modules: list[nn.Module] = []
        self._handles: list[Any] = []  # of the blocks that wait, in order
        self._stage = 0
        self._first_epoch = 0

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Let all blocks but the first wait."""
        self._modules = [trainer.model.get_submodule(name) for name in self.blocks]
        self._first_epoch = trainer.state.first_epoch
        self._handles = [m.register_forward_hook(_hand_on) for m in self._modules[1:]]
        self._stage = 1

    def state_dict(self) -> dict[str, Any]:
        """The stage."""
        return {"stage": self._stage}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from there."""
        self._enter(state_dict["stage"])

    def on_epoch_begin(self, trainer: Trainer) -> None:
        """Add a block when it is time."""
        self._enter((trainer.state.epoch - self._first_epoch - 1) // self.every + 1)

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Note the depth."""
        trainer.state.row["depth"] = min(self._stage, len(self.blocks))

    def on_fit_end(self, trainer: Trainer) -> None:
        """Leave the blocks that learned in use and everything free to learn."""
        self._set_trainable(self._modules, True)

    def _enter(self, stage: int) -> None:
        if stage == self._stage:
            return
        self._stage = stage
        while self._handles and len(self._modules) - len(self._handles) < stage:
            self._handles.pop(0).remove()
        self._set_trainable(self._modules, True)
        if self.freeze and stage <= len(self.blocks):
            self._set_trainable(self._modules[: stage - 1], False)

    @staticmethod
    def _set_trainable(modules: Sequence[nn.Module], trainable: bool) -> None:
        for module in modules:
            for parameter in module.parameters():
                parameter.requires_grad_(trainable)


def _hand_on(module: nn.Module, inputs: Any, output: Any) -> Any:
    given = inputs[0]
    if output.shape != given.shape:
        raise ValueError(
            f"[ProgressiveDepth] a block makes {tuple(output.shape)} of {tuple(given.shape)}; it "
            "must give the shape it takes to be left out"
        )
    return given
