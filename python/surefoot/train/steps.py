"""What happens between two batches: forward, backward and a change of the weights."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from typing import TYPE_CHECKING, Any

from surefoot._core import Tensor

from .errors import one_number
from .feed import Batch

__all__ = ["loss_of", "step", "take_steps"]

if TYPE_CHECKING:
    from .trainer import Trainer


def loss_of(loss: Any, output: Tensor, targets: Tensor, *weights: Tensor) -> Any:
    """The loss of a batch; of one with weights, ``loss(..., sample_weight=)``."""
    return loss(output, targets, sample_weight=weights[0]) if weights else loss(output, targets)


def take_steps(trainer: Trainer, batches: Iterable[Batch]) -> bool:
    """Learn from the batches that are left of an epoch; return whether it came to its end."""
    state, update = trainer.state, trainer._update
    begun, ended = trainer._listeners["on_batch_begin"], trainer._listeners["on_batch_end"]
    if update.is_plain and not (begun or ended or trainer._listeners["on_backward_end"]):
        return _take_plain_steps(trainer, batches)
    learn = _learn_by_closure if update.closure else _learn
    for state.inputs, state.targets, *state.weights in batches:
        state.batch += 1
        for listener in begun:
            listener(trainer)
        learn(trainer)
        trainer.tally.update(state.loss_value, state.output, state.targets)
        for listener in ended:
            listener(trainer)
        if trainer._wanted:
            trainer._write_files()
        if state.stop_reason and not update.rows:
            return False
    return True


def _take_plain_steps(trainer: Trainer, batches: Iterable[Batch]) -> bool:
    """The same as one writes it by hand: nobody listens, and the step follows backward."""
    state, model, loss_function = trainer.state, trainer.model, trainer.loss
    optimizer, count = trainer.optimizer, trainer.tally.update
    for inputs, targets, *weights in batches:
        state.batch += 1
        optimizer.zero_grad()
        state.inputs, state.targets, state.weights = inputs, targets, weights
        state.output = output = model(inputs)
        state.loss = loss = loss_of(loss_function, output, targets, *weights)
        state.loss_value = value = one_number(loss)
        if not isfinite(value):
            raise trainer.diverged(f"the loss ({value})")
        loss.backward()
        optimizer.step()
        state.step += 1
        count(value, output, targets)
        if state.stop_reason:
            return False
    return True


def _learn(trainer: Trainer) -> None:
    """Forward, backward and, when enough batches are gathered, a change of the weights."""
    state, update = trainer.state, trainer._update
    if not update.rows:
        trainer.optimizer.zero_grad()
    state.output = trainer.model(state.inputs)
    state.loss = loss = loss_of(trainer.loss, state.output, state.targets, *state.weights)
    state.loss_value = one_number(loss)
    if not isfinite(state.loss_value):
        raise trainer.diverged(f"the loss ({state.loss_value})")
    update.weighted(loss, len(state.targets)).backward()
    state.updated = update.is_due(state.batch, state.num_batches)
    if state.updated:
        step(trainer)


def step(trainer: Trainer) -> None:
    """Use the gradients that are there."""
    update = trainer._update
    if update.rows:
        update.gather()
    for listener in trainer._listeners["on_backward_end"]:
        listener(trainer)
    update.step()
    update.terms.apply_(trainer.optimizer)
    trainer.state.step += 1


def _learn_by_closure(trainer: Trainer) -> None:
    state, update, optimizer = trainer.state, trainer._update, trainer.optimizer
    state.output = None

    def closure() -> Tensor:
        output = trainer.model(state.inputs)
        loss = loss_of(trainer.loss, output, state.targets, *state.weights)
        total, first = update.terms.add_to(loss), state.output is None
        if first:
            state.output, state.loss, state.loss_value = output, loss, one_number(loss)
        if update.closure == "backward":
            optimizer.zero_grad()
            total.backward()
            if first:
                for listener in trainer._listeners["on_backward_end"]:
                    listener(trainer)
            update.clip()
        return total

    optimizer.step(closure)
    if not isfinite(state.loss_value):
        raise trainer.diverged(f"the loss ({state.loss_value})")
    update.terms.apply_(getattr(optimizer, "last_lr", optimizer))
    state.step += 1
