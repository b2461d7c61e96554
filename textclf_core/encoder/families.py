"""The modules that make up the parts of each model family.

To support a new family, add an entry to :data:`FAMILIES`. A model of any other family can be trained as a whole, or its
head alone; its blocks are found if its structure shows them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn
from transformers import PreTrainedModel


@dataclass(frozen=True, kw_only=True)
class Family:
    """The parts of a model's body, as dotted paths of modules inside the base model.

    Modules that depend on the configuration (a pooler, a convolution) may be missing from a model. Everything outside
    the base model is the head, since checkpoints often lack it: RoBERTa's ``dense`` and ``out_proj``, DistilBERT's
    ``pre_classifier``, DeBERTa's ``ContextPooler``, ModernBERT's ``head``.
    """

    blocks: str = "encoder.layer"
    """A list with one module per block, or per group of blocks that share their parameters."""

    embeddings: tuple[str, ...] = ("embeddings",)
    """The modules that compute the input of the first block or an input of all blocks (relative positions); a prefix
    is constant only if these are frozen."""

    projection: str | None = None
    """The module among ``embeddings`` that projects their output to the width of the blocks."""

    first_block: tuple[str, ...] = ()
    """Modules that run directly after block 0 and belong to it."""

    pooler: str | None = "pooler"
    final_norm: str | None = None
    shares_blocks: bool = False

    can_split: bool = True
    """Whether the model calls the blocks in a loop over the list, with the hidden states as first argument."""

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

_NOT_SPLIT = {
    "roformer": Family(
        embeddings=("embeddings", "embeddings_project", "encoder.embed_positions"), pooler=None, can_split=False
    ),
    "convbert": Family(embeddings=("embeddings", "embeddings_project"), pooler=None, can_split=False),
    "rembert": Family(embeddings=("embeddings", "encoder.embedding_hidden_mapping_in"), can_split=False),
    "eurobert": Family(blocks="layers", embeddings=("embed_tokens",), pooler=None, final_norm="norm", can_split=False),
}
"""Further families whose parts can be frozen."""


@dataclass(frozen=True)
class Parts:
    """The parts of a model, in the order of the forward pass.

    ``blocks`` has one entry per block; blocks that share their parameters have the same modules. If the parts can't be
    identified, ``unknown`` is the reason, as a sentence, and everything that isn't the head is the ``body``.
    """

    family: Family
    embeddings: tuple[nn.Module, ...]
    blocks: tuple[tuple[nn.Module, ...], ...]
    pooler: tuple[nn.Module, ...]
    final_norm: tuple[nn.Module, ...]
    body: tuple[nn.Module, ...] = ()
    unknown: str | None = None

    def named(self) -> Iterator[tuple[str, tuple[nn.Module, ...]]]:
        """Yield each part's name and modules; blocks that share parameters are one part, such as ``"blocks 0-3"``."""
        yield "embeddings", self.embeddings
        for block, modules in enumerate(self.blocks):
            together = self.sharing(block)
            if block == together[0]:
                name = f"block {block}" if len(together) == 1 else f"blocks {block}-{together[-1]}"
                yield name, modules
        yield "pooler", self.pooler
        yield "final norm", self.final_norm
        yield "body", self.body

    def sharing(self, block: int) -> tuple[int, ...]:
        """Return the blocks that share the parameters of ``block``, itself included."""
        return tuple(other for other, modules in enumerate(self.blocks) if modules[0] is self.blocks[block][0])


def parts_of(model: PreTrainedModel) -> Parts:
    """Find the parts of a model."""
    base = model.base_model
    family = FAMILIES.get(model.config.model_type) or _NOT_SPLIT.get(model.config.model_type) or _derived(model)
    if isinstance(family, str):
        return _body_alone(model, family)
    listed = list(_modules(base, family.blocks)[0].children())
    count = model.config.num_hidden_layers
    blocks: list[tuple[nn.Module, ...]]
    if family.shares_blocks:
        # As in AlbertTransformer, block i of `count` uses the weights of group i // (count / groups).
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
        return _body_alone(model, f"its parameter {strays[0]!r} is not part of the embeddings, a block or the pooler")
    return parts


def _modules(base: nn.Module, *paths: str | None) -> tuple[nn.Module, ...]:
    """Return the modules at the paths that exist in the model."""
    found = dict(base.named_modules())
    return tuple(found[path] for path in paths if path in found)


def _derived(model: PreTrainedModel) -> Family | str:
    """Return a family derived from a model's structure, a module ``embeddings`` and one list of blocks; or why not."""
    modules = dict(model.base_model.named_modules())
    lists = [
        path
        for path, module in modules.items()
        if isinstance(module, nn.ModuleList) and len(module) == getattr(model.config, "num_hidden_layers", None)
    ]
    if getattr(model.config, "is_encoder_decoder", False):
        return "it has an encoder and a decoder"
    if "embeddings" not in modules:
        return "it has no module named 'embeddings'"
    if len(lists) != 1:
        return f"{len(lists)} of its module lists could be the blocks"
    return Family(blocks=lists[0], can_split=False)


def _body_alone(model: PreTrainedModel, why: str) -> Parts:
    return Parts(
        family=Family(can_split=False),
        embeddings=(),
        blocks=(),
        pooler=(),
        final_norm=(),
        body=(model.base_model,),
        unknown=f"textclf can't identify the blocks of a model of the family {model.config.model_type!r}: {why}.",
    )
