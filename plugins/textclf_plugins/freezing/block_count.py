"""Converting the option ``n`` to a number of encoder blocks."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING

from textclf_core.errors import UsageError

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder

logger = logging.getLogger("textclf")


def check_count(n: int | float) -> None:
    """Check that ``n`` is an integer or a fraction between 0 and 1.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(n, float) and n >= 1:
        raise ValueError(f"n={n} is neither a number of blocks (4) nor a fraction of them between 0 and 1 (0.5).")


def block_count(n: int | float, encoder: Encoder, *, plugin: str) -> int:
    """Return the number of blocks for ``n``; a fraction is multiplied by the encoder's blocks and rounded down.

    Raises:
        UsageError: the model has fewer than ``n`` blocks; the message gives their number and a valid spec.
    """
    blocks = encoder.num_blocks
    if isinstance(n, float):
        count = math.floor(n * blocks + 1e-9)  # 0.29 of 100 is 28.999999999999996
        logger.info("%s: n=%g means %d of the %d blocks of %s.", plugin, n, count, blocks, encoder.checkpoint)
        return count
    if n > blocks:
        has = "1 block" if blocks == 1 else f"{blocks} blocks"
        raise UsageError(
            f"{plugin}: n={n}, but {encoder.checkpoint} has {has} (0 to {blocks} can be frozen). "
            f"Try: --plugin {plugin}:n={max(1, 2 * blocks // 3)}"
        )
    return n
