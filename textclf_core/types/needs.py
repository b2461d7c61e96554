"""What a plugin needs from a run besides its hooks' arguments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

NeededModel = Literal["whole", "headless", "none"]
Seam = Literal["training_rows", "loss", "gradient", "optimizer", "schedule"]


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What a plugin needs from a run, declared in its class; a plugin without special needs declares nothing.

    >>> class Finetune(EncoderTraining):
    ...     needs: ClassVar[Needs] = Needs(model="whole", phases=True, seams=("loss", "schedule"))

    Attributes:
        model: for a trainer: what it gets as ``encoder``. The model with its classification head (``"whole"``), the
            model without it (``"headless"``), or no model (``"none"``), in which case a chosen model or strategy is
            refused.
        phases: for a trainer: whether it carries out the ``plan`` (phases, learning rates by parameter, decisions
            between epochs). With a trainer that doesn't, plugins that plan training are refused.
        seams: for a trainer: the parts of its steps that plugins may replace, because it asks the ``plan`` for them.
            With any other trainer, plugins that implement such a hook are refused.
        gradient_norms: for a strategy: whether its ``textclf_interval_finished`` takes ``gradient_norms``, which cost
            memory and time to measure.
        known_labels: for a trainer, a loss, a postprocessor or a metric: whether it must know of each label of a text
            with several whether the text has it. A plugin that leaves unknown entries out
            (:data:`~textclf_core.types.task.NO_LABEL` in arrays of zeros and ones) sets it to ``False``; any other is
            refused if the data have such entries.
        devices: for an engine: the types of the devices that it computes on, such as ``("cpu",)``; any if empty.
        packages: for an exporter or an engine: the packages that it imports, by the names by which they are imported.
            Where one is missing, the error names what to install: the extra of the plugin's distribution that has it.
        approximate: for an engine: whether its scores may differ from those of the trained model by more than rounding.
    """

    model: NeededModel = "none"
    phases: bool = False
    seams: tuple[Seam, ...] = ()
    gradient_norms: bool = False
    known_labels: bool = True
    devices: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    approximate: bool = False
