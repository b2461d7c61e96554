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
    reporter,
    exporter,
    engine,
    executor,
)

__all__ = [
    "dataset",
    "engine",
    "every",
    "executor",
    "exporter",
    "metric",
    "model",
    "observer",
    "postprocessor",
    "reporter",
    "strategy",
    "trainer",
]
