"""Random-weight models of each family, and what their parameters are called."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

from torch import Tensor

from textclf_core.encoder import Encoder
from textclf_core.testing import tiny_data, tiny_encoder
from textclf_core.types.recipe import Recipe
from textclf_core.types.task import Task

BLOCKS = 4


@dataclass
class Case:
    """A model and the names of its parameters by part.

    One line a module: ``path wb`` has a weight and a bias, ``path w`` a weight alone. ``{k}`` is the block's number.
    """

    family: str
    embeddings: str
    path: str
    block: str
    head: str
    pooler: str = ""
    final_norm: str = ""
    first_block: str = ""
    without: tuple[str, ...] = ()
    config: dict[str, object] = field(default_factory=dict)
    groups: tuple[int, ...] = (0, 1, 2, 3)
    """The number in the path of each of the four blocks."""

    def frozen(self, blocks: int) -> list[str]:
        """Return the names that `blocks` blocks and the embeddings make up."""
        lines = names(self.embeddings)
        for group in dict.fromkeys(group for group in self.groups if group in self.groups[:blocks]):
            inside = [f"{self.path.format(k=group)}.{name}" for name in names(self.block)]
            lines += [name for name in inside if name not in self.without]
        return sorted(lines + (names(self.first_block) if blocks else []))


def names(listing: str) -> list[str]:
    suffixes = {"w": ("weight",), "b": ("bias",), "wb": ("weight", "bias")}
    pairs = [line.split() for line in listing.strip().splitlines()]
    return [f"{module}.{suffix}" for module, kind in pairs for suffix in suffixes[kind]]


BERT_BLOCK = """
    attention.self.query wb
    attention.self.key wb
    attention.self.value wb
    attention.output.dense wb
    attention.output.LayerNorm wb
    intermediate.dense wb
    output.dense wb
    output.LayerNorm wb
"""
CASES = {
    "bert": Case(
        family="bert",
        embeddings="""
            bert.embeddings.word_embeddings w
            bert.embeddings.position_embeddings w
            bert.embeddings.token_type_embeddings w
            bert.embeddings.LayerNorm wb
        """,
        path="bert.encoder.layer.{k}",
        block=BERT_BLOCK,
        pooler="bert.pooler.dense wb",
        head="classifier wb",
    ),
    "roberta": Case(
        family="roberta",
        embeddings="""
            roberta.embeddings.word_embeddings w
            roberta.embeddings.position_embeddings w
            roberta.embeddings.token_type_embeddings w
            roberta.embeddings.LayerNorm wb
        """,
        path="roberta.encoder.layer.{k}",
        block=BERT_BLOCK,
        head="classifier.dense wb\nclassifier.out_proj wb",
    ),
    "distilbert": Case(
        family="distilbert",
        embeddings="""
            distilbert.embeddings.word_embeddings w
            distilbert.embeddings.position_embeddings w
            distilbert.embeddings.LayerNorm wb
        """,
        path="distilbert.transformer.layer.{k}",
        block="""
            attention.q_lin wb
            attention.k_lin wb
            attention.v_lin wb
            attention.out_lin wb
            sa_layer_norm wb
            ffn.lin1 wb
            ffn.lin2 wb
            output_layer_norm wb
        """,
        head="pre_classifier wb\nclassifier wb",
    ),
    "electra": Case(
        family="electra",
        config={"embedding_size": 16},
        embeddings="""
            electra.embeddings.word_embeddings w
            electra.embeddings.position_embeddings w
            electra.embeddings.token_type_embeddings w
            electra.embeddings.LayerNorm wb
            electra.embeddings_project wb
        """,
        path="electra.encoder.layer.{k}",
        block=BERT_BLOCK,
        head="classifier.dense wb\nclassifier.out_proj wb",
    ),
    "mpnet": Case(
        family="mpnet",
        embeddings="""
            mpnet.embeddings.word_embeddings w
            mpnet.embeddings.position_embeddings w
            mpnet.embeddings.LayerNorm wb
            mpnet.encoder.relative_attention_bias w
        """,
        path="mpnet.encoder.layer.{k}",
        block="""
            attention.attn.q wb
            attention.attn.k wb
            attention.attn.v wb
            attention.attn.o wb
            attention.LayerNorm wb
            intermediate.dense wb
            output.dense wb
            output.LayerNorm wb
        """,
        head="classifier.dense wb\nclassifier.out_proj wb",
    ),
    "albert": Case(
        family="albert",
        config={"embedding_size": 16},
        groups=(0, 0, 0, 0),
        embeddings="""
            albert.embeddings.word_embeddings w
            albert.embeddings.position_embeddings w
            albert.embeddings.token_type_embeddings w
            albert.embeddings.LayerNorm wb
            albert.encoder.embedding_hidden_mapping_in wb
        """,
        path="albert.encoder.albert_layer_groups.{k}",
        block="""
            albert_layers.0.full_layer_layer_norm wb
            albert_layers.0.attention.query wb
            albert_layers.0.attention.key wb
            albert_layers.0.attention.value wb
            albert_layers.0.attention.dense wb
            albert_layers.0.attention.LayerNorm wb
            albert_layers.0.ffn wb
            albert_layers.0.ffn_output wb
        """,
        pooler="albert.pooler wb",
        head="classifier wb",
    ),
    "deberta-v2": Case(
        family="deberta-v2",
        config={
            "embedding_size": 16,
            "type_vocab_size": 0,
            "relative_attention": True,
            "position_biased_input": False,
            "position_buckets": 8,
            "pos_att_type": ["p2c", "c2p"],
            "share_att_key": True,
            "norm_rel_ebd": "layer_norm",
            "conv_kernel_size": 3,
        },
        embeddings="""
            deberta.embeddings.word_embeddings w
            deberta.embeddings.embed_proj w
            deberta.embeddings.LayerNorm wb
            deberta.encoder.rel_embeddings w
            deberta.encoder.LayerNorm wb
        """,
        path="deberta.encoder.layer.{k}",
        block="""
            attention.self.query_proj wb
            attention.self.key_proj wb
            attention.self.value_proj wb
            attention.output.dense wb
            attention.output.LayerNorm wb
            intermediate.dense wb
            output.dense wb
            output.LayerNorm wb
        """,
        first_block="deberta.encoder.conv.conv wb\ndeberta.encoder.conv.LayerNorm wb",
        head="pooler.dense wb\nclassifier wb",
    ),
    "modernbert": Case(
        family="modernbert",
        config={"local_attention": 4},  # a window narrower than the texts: the sliding mask matters
        embeddings="model.embeddings.tok_embeddings w\nmodel.embeddings.norm w",
        path="model.layers.{k}",
        block="attn_norm w\nattn.Wqkv w\nattn.Wo w\nmlp_norm w\nmlp.Wi w\nmlp.Wo w",
        without=("model.layers.0.attn_norm.weight",),  # an identity there
        final_norm="model.final_norm w",
        head="head.dense w\nhead.norm w\nclassifier wb",
    ),
}
CASES["albert, two groups"] = copy.deepcopy(CASES["albert"])
CASES["albert, two groups"].config["num_hidden_groups"] = 2
CASES["albert, two groups"].groups = (0, 0, 1, 1)
CASES["deberta-v2, plain"] = copy.deepcopy(CASES["deberta-v2"])
CASES["deberta-v2, plain"].config = {"type_vocab_size": 0}
CASES["deberta-v2, plain"].first_block = ""
CASES["deberta-v2, plain"].embeddings = """
    deberta.embeddings.word_embeddings w
    deberta.embeddings.position_embeddings w
    deberta.embeddings.LayerNorm wb
"""
CASES["xlm-roberta"] = copy.deepcopy(CASES["roberta"])
CASES["xlm-roberta"].family = "xlm-roberta"


def encoder_of(case: Case) -> Encoder:
    # Weights of this size make logits of about 1; the usual 0.02 would hide a skipped block below the tolerance.
    return tiny_encoder(case.family, blocks=BLOCKS, config={"initializer_range": 0.4, **case.config})


def padded_batch(encoder: Encoder) -> dict[str, Tensor]:
    task = Task(("negative", "positive"))
    rows = encoder.tokenize(tiny_data(rows=8)["train"], task, Recipe())
    batch = encoder.collate(list(rows))
    assert len(set(batch["attention_mask"].sum(1).tolist())) > 1, "the rows are to be of unequal lengths"
    return batch
