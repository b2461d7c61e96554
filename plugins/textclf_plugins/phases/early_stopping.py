"""Early stopping."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from textclf_core.hookspecs import hookimpl
from textclf_core.types.option import Option
from textclf_core.types.phases import Change, FinishedEpoch

logger = logging.getLogger("textclf")


@dataclass(frozen=True, kw_only=True)
class EarlyStopping:
    """End training when the validation loss hasn't decreased for some epochs.

    The learning rate follows its schedule as if all epochs were trained. The trainer's option keep chooses the epoch
    whose weights are kept; keep=best chooses the one with the lowest validation loss. If training has several phases,
    only the last one can end early. With fewer than patience + 2 epochs it has no effect.
    """

    patience: Annotated[
        int, Option("Number of epochs without a lower validation loss after which training ends.", ge=1)
    ] = 2

    @hookimpl
    def textclf_epoch_finished(self, epochs: Sequence[FinishedEpoch]) -> Change | None:
        """Stop if the best epoch is ``patience`` epochs ago."""
        counted = [epoch for epoch in epochs if epoch.last_phase]
        if not counted:
            return None
        best = min(counted, key=lambda epoch: epoch.validation_loss)
        last = counted[-1]
        if last.number - best.number < self.patience:
            return None
        logger.info(
            "early-stopping: training ended after epoch %d; the validation loss was lowest after epoch %d.",
            last.number,
            best.number,
        )
        return Change(stop=True)
