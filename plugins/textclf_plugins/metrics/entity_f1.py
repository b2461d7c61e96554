"""F1 of entities."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from textclf_core.hookspecs import hookimpl
from textclf_core.tasks import check_kind
from textclf_core.types.metric import MetricInfo, ScoredRows
from textclf_core.types.option import Option

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from textclf_core.tasks.entities import EntityCounts
    from textclf_core.types.task import Task


@dataclass(frozen=True, kw_only=True)
class EntityF1:
    """Precision, recall and F1 of entities, in total and by type, as in seqeval: bounds and type must match."""

    mode: Annotated[
        Literal["default", "strict"],
        Option(
            "Whether an invalid tag, such as an I-x not after an x, begins an entity. default: it does, as in "
            "CoNLL's script; strict: it doesn't."
        ),
    ] = "default"

    @hookimpl
    def textclf_check_task(self, task: Task) -> str | None:
        """Refuse tasks whose labels aren't entity tags."""
        from textclf_core.tasks.entities import scheme_of

        if why := check_kind(task, "tokens", does="it scores entities", here="each text has a label"):
            return why
        if scheme_of(task.label_names) is None:
            return f"the labels ({', '.join(task.label_names[:4])}...) aren't entity tags such as B-person"
        return None

    @hookimpl
    def textclf_describe_metrics(self, task: Task) -> list[MetricInfo]:
        """Describe the numbers over all entities, as functions of three counts."""
        import numpy as np

        from textclf_core.tasks.entities import EntityCounts
        from textclf_plugins.metrics import sums

        def terms(rows: ScoredRows) -> NDArray[np.float64]:
            counts = (
                sum(of_row.values(), EntityCounts()) for of_row in self._counts(rows.references, rows.predictions, task)
            )
            return np.array([[one.right, one.predicted, one.true] for one in counts], dtype=np.float64)

        kinds = {"f1": sums.F1, "precision": sums.PRECISION, "recall": sums.RECALL}
        return [
            MetricInfo(name=name, better="higher", low=0, high=1, sums=sums.counted_sums(of, terms, needs_true=True))
            for name, of in kinds.items()
        ]

    @hookimpl
    def textclf_compute_metrics(
        self, references: Sequence[NDArray[np.int64]], predictions: Sequence[NDArray[np.int64]], task: Task
    ) -> dict[str, float]:
        """Return ``f1``, ``precision`` and ``recall`` of all entities (micro), and ``f1/TYPE``; NaN without any."""
        from textclf_core.tasks.entities import EntityCounts, entity_types

        by_type = {kind: EntityCounts() for kind in entity_types(task.label_names)}
        for of_row in self._counts(references, predictions, task):
            for kind, counts in of_row.items():
                by_type[kind] += counts
        total = sum(by_type.values(), EntityCounts())
        values = {"f1": total.f1, "precision": total.precision, "recall": total.recall}
        if not total.true:
            values = dict.fromkeys(values, math.nan)
        # Where there is no entity, or none of a type, its F1 is no number.
        return values | {f"f1/{kind}": counts.f1 if counts.true else math.nan for kind, counts in by_type.items()}

    def _counts(
        self, references: Sequence[NDArray[np.int64]], predictions: Sequence[NDArray[np.int64]], task: Task
    ) -> Iterator[dict[str, EntityCounts]]:
        """Yield the counts of each row by type."""
        from textclf_core.tasks.entities import count_entities, scheme_of

        scheme, names = scheme_of(task.label_names), task.label_names
        assert scheme is not None  # by textclf_check_task
        for true, predicted in zip(references, predictions, strict=True):
            tags = [names[label] for label in true], [names[label] for label in predicted]
            yield count_entities(*tags, scheme, self.mode)
