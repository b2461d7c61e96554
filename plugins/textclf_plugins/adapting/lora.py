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
    """Train low-rank adapters in the blocks, and the head; the checkpoint's own weights stay (Hu et al., ICLR 2022).

    A linear layer W gets W + alpha/r · BA, where A and B have r rows and columns. The embeddings and the blocks' own
    weights are frozen; adapters, pooler and head train. In blocks that another strategy freezes there are no adapters,
    so with freeze-first-n the frozen prefix is cached. It needs a higher learning rate than full fine-tuning does: 1e-3
    is a start. When training is over the adapters are merged into the weights, so the saved model is one like any
    other; the run's folder adapter/ holds them by themselves, as the library peft loads them.
    """

    depends_on: ClassVar[tuple[str, ...]] = ("peft",)

    r: Annotated[int, Option("The adapters' rank.", ge=1)] = 8
    alpha: Annotated[float, Option("What the adapters add is multiplied by alpha/r.", gt=0)] = 16.0
    dropout: Annotated[float, Option("Dropout of the adapters' input.", ge=0, lt=1)] = 0.0
    targets: Annotated[
        tuple[str, ...],
        Option(
            "Linear layers of a block that get adapters, by the ends of their names; all for every one. Not set: those "
            "that project queries and values."
        ),
    ] = ()

    def __post_init__(self) -> None:
        if find_spec("peft") is None:
            raise ValueError('it needs the library peft: pip install "textclf-core[lora]".')

    @hookimpl
    def textclf_adapt(self, encoder: Encoder) -> dict[str, Fact]:
        """Put adapters into all blocks."""
        from textclf_plugins.adapting.adapters import add_adapters

        return add_adapters(self, encoder)

    @hookimpl(trylast=True)
    def textclf_freeze(self, encoder: Encoder) -> None:
        """Freeze what adapters stand for, and take those out that others froze."""
        from textclf_plugins.adapting.adapters import freeze_all_but_adapters

        freeze_all_but_adapters(self, encoder)

    @hookimpl
    def textclf_training_finished(self, encoder: Encoder, workspace: Workspace) -> None:
        """Keep the adapters by themselves, and merge them into the weights."""
        from textclf_plugins.adapting.adapters import merge_adapters, save_adapters

        if workspace.rank == 0:
            save_adapters(encoder, workspace.directory / "adapter")
        merge_adapters(encoder)
