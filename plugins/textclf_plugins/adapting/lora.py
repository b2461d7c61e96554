"""Low-rank adapters."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, ClassVar

from textclf_core.hookspecs import hookimpl
from textclf_core.types.option import Option

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder
    from textclf_core.types.record import Fact
    from textclf_core.types.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class Lora:
    """Train low-rank adapters in the blocks, and the head, with the other weights frozen (Hu et al., ICLR 2022).

    The weight W of a linear layer becomes W + alpha/r · BA, where A has r rows and B has r columns. The embeddings and
    the blocks' own weights are frozen; adapters, pooler and head train. Blocks that another strategy freezes get no
    adapters, so with freeze-first-n the frozen prefix is cached. The method needs a higher learning rate than full
    fine-tuning; 1e-3 is a reasonable start. After training the adapters are merged into the weights, so the saved
    model needs no peft; the run's folder adapter/ has the adapters alone, in the format of the library peft.
    """

    depends_on: ClassVar[tuple[str, ...]] = ("peft",)

    r: Annotated[int, Option("The adapters' rank.", ge=1)] = 8
    alpha: Annotated[float, Option("The adapters' output is multiplied by alpha/r.", gt=0)] = 16.0
    dropout: Annotated[float, Option("Dropout of the adapters' input.", ge=0, lt=1)] = 0.0
    targets: Annotated[
        tuple[str, ...],
        Option(
            "The linear layers of a block that get adapters: the ends of their names, or all. Default: the layers that "
            "project queries and values."
        ),
    ] = ()

    def __post_init__(self) -> None:
        if find_spec("peft") is None:
            raise ValueError('needs the library peft: pip install "textclf-core[lora]".')

    @hookimpl
    def textclf_adapt(self, encoder: Encoder) -> dict[str, Fact]:
        """Add adapters to all blocks."""
        from textclf_plugins.adapting.adapters import add_adapters

        return add_adapters(self, encoder)

    @hookimpl(trylast=True)
    def textclf_freeze(self, encoder: Encoder) -> None:
        """Freeze everything but the adapters, the pooler and the head; remove adapters that others froze."""
        from textclf_plugins.adapting.adapters import freeze_all_but_adapters

        freeze_all_but_adapters(self, encoder)

    @hookimpl
    def textclf_training_finished(self, encoder: Encoder, workspace: Workspace) -> None:
        """Save the adapters to a folder of their own, and merge them into the weights."""
        from textclf_plugins.adapting.adapters import merge_adapters, save_adapters

        if workspace.rank == 0:
            save_adapters(encoder, workspace.directory / "adapter")
        merge_adapters(encoder)
