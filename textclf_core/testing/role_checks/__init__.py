"""The checks, one module a role; those of every plugin come first."""

from textclf_core.testing.role_checks import (  # isort: skip  # the order in which they run
    every,
    dataset,
    model,
    strategy,
    trainer,
    postprocessor,
    metric,
    observer,
    executor,
)

__all__ = ["dataset", "every", "executor", "metric", "model", "observer", "postprocessor", "strategy", "trainer"]
