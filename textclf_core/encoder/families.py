"""Where each family of models keeps its parts: one table, and what it means for one model.

To teach textclf a new family, add a line to :data:`FAMILIES`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn
from transformers import PreTrainedModel

from textclf_core.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Family:
    """Where the parts of a body are: dotted paths of modules inside the base model.

    A path that a configuration leaves out (a pooler, a convolution) may be absent from the model. What is outside the
    base model is the head, since a checkpoint often doesn't have it: RoBERTa's ``dense`` and ``out_proj``,
    DistilBERT's ``pre_classifier``, DeBERTa's ``ContextPooler``, ModernBERT's ``head``.
    """

    blocks: str = "encoder.layer"
    """A list of modules, one a block; one a group of blocks where blocks share their parameters."""

    embeddings: tuple[str, ...] = ("embeddings",)
    """What gives the input of the first block, and what all blocks take (relative positions): a prefix is constant
    only if these are."""

    projection: str | None = None
    """The one of ``embeddings`` that widens their output to the blocks' width."""

    first_block: tuple[str, ...] = ()
    """What acts right after block 0 and belongs to it."""

    pooler: str | None = "pooler"
    final_norm: str | None = None
    shares_blocks: bool = False

    can_split: bool = True
    """Whether the blocks are called in a plain loop over the list, the hidden states first."""

    needs_a_block: bool = False
    """Whether the body fails on an empty list of blocks."""


FAMILIES = {
    "bert": Family(),
    "roberta": Family(),
    "xlm-roberta": Family(),
    "distilbert": Family(blocks="transformer.layer"),
    "electra": Family(embeddings=("embeddings", "embeddings_project"), projection="embeddings_project"),
    "mpnet": Family(embeddings=("embeddings", "encoder.relative_attention_bias")),
    "albert": Family(
        blocks="encoder.albert_layer_groups",
        embeddings=("embeddings", "encoder.embedding_hidden_mapping_in"),
        projection="encoder.embedding_hidden_mapping_in",
        shares_blocks=True,
    ),
    "deberta-v2": Family(
        embeddings=("embeddings", "encoder.rel_embeddings", "encoder.LayerNorm"),
        first_block=("encoder.conv",),
        needs_a_block=True,
    ),
    "modernbert": Family(blocks="layers", pooler=None, final_norm="final_norm"),
}


@dataclass(frozen=True)
class Parts:
    """The parts of one model, in the order in which the input meets them.

    ``blocks`` has one entry a block; blocks that share their parameters are the same modules again and again.
    """

    family: Family
    embeddings: tuple[nn.Module, ...]
    blocks: tuple[tuple[nn.Module, ...], ...]
    pooler: tuple[nn.Module, ...]
    final_norm: tuple[nn.Module, ...]

    def named(self) -> Iterator[tuple[str, tuple[nn.Module, ...]]]:
        """Yield each part's name and modules; shared blocks come once, as ``"blocks 0-3"``."""
        yield "embeddings", self.embeddings
        for block, modules in enumerate(self.blocks):
            together = self.sharing(block)
            if block == together[0]:
                name = f"block {block}" if len(together) == 1 else f"blocks {block}-{together[-1]}"
                yield name, modules
        yield "pooler", self.pooler
        yield "final norm", self.final_norm

    def sharing(self, block: int) -> tuple[int, ...]:
        """Return the blocks that have the parameters of ``block``, itself included."""
        return tuple(other for other, modules in enumerate(self.blocks) if modules[0] is self.blocks[block][0])


def parts_of(model: PreTrainedModel) -> Parts:
    """Find the parts of a model.

    Raises:
        UsageError: the model is of a family that isn't in the table and whose parts can't be told from its structure.
    """
    base = model.base_model
    family = FAMILIES.get(model.config.model_type) or _derived(model)
    listed = list(_modules(base, family.blocks)[0].children())
    count = model.config.num_hidden_layers
    blocks: list[tuple[nn.Module, ...]]
    if family.shares_blocks:
        # The i-th of `count` blocks runs the weights of group i // (count / groups), as AlbertTransformer has it.
        blocks = [(listed[int(block / (count / len(listed)))],) for block in range(count)]
    else:
        blocks = [(block,) for block in listed]
        blocks[0] += _modules(base, *family.first_block)
    parts = Parts(
        family=family,
        embeddings=_modules(base, *family.embeddings),
        blocks=tuple(blocks),
        pooler=_modules(base, family.pooler),
        final_norm=_modules(base, family.final_norm),
    )
    known = {id(parameter) for _, modules in parts.named() for module in modules for parameter in module.parameters()}
    if strays := [name for name, parameter in base.named_parameters() if id(parameter) not in known]:
        raise _unknown(model, f"its parameter {strays[0]!r} is in none of embeddings, blocks and pooler")
    return parts


def _modules(base: nn.Module, *paths: str | None) -> tuple[nn.Module, ...]:
    """Return the modules at those of the paths that the model has."""
    found = dict(base.named_modules())
    return tuple(found[path] for path in paths if path in found)


def _derived(model: PreTrainedModel) -> Family:
    """Read the family off the structure, where it is plain: ``embeddings``, and one list with a module a block."""
    modules = dict(model.base_model.named_modules())
    lists = [
        path
        for path, module in modules.items()
        if isinstance(module, nn.ModuleList) and len(module) == getattr(model.config, "num_hidden_layers", None)
    ]
    if "embeddings" not in modules:
        raise _unknown(model, "it has no module named 'embeddings'")
    if len(lists) != 1:
        raise _unknown(model, f"{len(lists)} of its lists of modules could be the blocks")
    return Family(blocks=lists[0], can_split=False)


def _unknown(model: PreTrainedModel, why: str) -> UsageError:
    return UsageError(
        f"textclf can't tell the parts of a model of the family {model.config.model_type!r}: {why}. "
        f"These families work: {', '.join(FAMILIES)}."
    )
