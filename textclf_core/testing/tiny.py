"""Tiny models and data sets, made without a network.

>>> encoder = tiny_encoder(family="bert", blocks=2)
>>> data = tiny_data(rows=64)
"""

from __future__ import annotations

import inspect
import random
import string
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from textclf_core.encoder import Encoder
from textclf_core.types.task import Kind, Task

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict
    from transformers import PreTrainedTokenizerFast

LABELS = ("negative", "positive")
MAX_LENGTH = 64
"""The maximum input length of a tiny encoder in tokens, special tokens included."""

_PRAISE = ("bright", "charming", "clever", "delightful", "fine", "lovely", "moving", "splendid")
_BLAME = ("awful", "boring", "clumsy", "dreadful", "dull", "grim", "tedious", "weak")
_THINGS = ("plot", "cast", "music", "ending", "dialogue", "pace", "opening", "picture", "hero", "script")
_FILLERS = (
    "the",
    "a",
    "is",
    "was",
    "and",
    "very",
    "quite",
    "rather",
    "really",
    "truly",
    "with",
    "all",
    "again",
    "once",
)


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """Return a lower-casing WordPiece tokenizer with about 120 tokens and BERT's templates for one and two texts.

    It knows the words of :func:`tiny_data`; other words are split into characters. ``[PAD]`` has id 1, as in RoBERTa
    and MPNet.
    """
    from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors
    from tokenizers.models import WordPiece
    from transformers import PreTrainedTokenizerFast

    special = ("[CLS]", "[PAD]", "[SEP]", "[UNK]", "[MASK]")
    characters = string.ascii_lowercase + string.digits + ".,!?'-"
    pieces = (*special, *characters, *(f"##{character}" for character in characters))
    vocabulary = dict.fromkeys((*pieces, *_PRAISE, *_BLAME, *_THINGS, *_FILLERS))
    ids = {token: index for index, token in enumerate(vocabulary)}

    tokenizer = Tokenizer(WordPiece(ids, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", ids["[CLS]"]), ("[SEP]", ids["[SEP]"])],
    )
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        model_max_length=MAX_LENGTH,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        cls_token="[CLS]",
        pad_token="[PAD]",
        sep_token="[SEP]",
        unk_token="[UNK]",
        mask_token="[MASK]",
    )


def tiny_encoder(
    family: str = "bert",
    blocks: int = 2,
    hidden: int = 32,
    labels: Sequence[str] = LABELS,
    seed: int = 0,
    dropout: float = 0.1,
    config: Mapping[str, Any] | None = None,
    kind: Kind = "single-label",
) -> Encoder:
    """Return an encoder with random weights and a classification head.

    Args:
        family: a ``model_type`` of transformers, such as ``"bert"``, ``"mpnet"`` or ``"modernbert"``.
        blocks: the number of encoder blocks.
        hidden: the width, a multiple of 2 (there are two attention heads).
        labels: the label names, in the order of their ids.
        seed: the seed of the weights; the caller's random state isn't changed.
        dropout: the rate of every dropout of the model.
        config: further values for fields of the family's configuration.
        kind: the kind of task that the head is for.
    """
    import torch
    from transformers import AutoConfig

    from textclf_core.encoder.heads import model_class, problem_type

    tokenizer = tiny_tokenizer()
    settings = AutoConfig.for_model(
        family,
        **{
            "vocab_size": len(tokenizer),
            "hidden_size": hidden,
            "num_hidden_layers": blocks,
            "num_attention_heads": 2,
            "intermediate_size": 2 * hidden,
            "hidden_dim": 2 * hidden,  # DistilBERT's name for it
            "embedding_size": hidden,
            "max_position_embeddings": MAX_LENGTH + tokenizer.pad_token_id + 1,
            "type_vocab_size": 2,
            "pad_token_id": tokenizer.pad_token_id,
            "bos_token_id": tokenizer.cls_token_id,
            "cls_token_id": tokenizer.cls_token_id,
            "eos_token_id": tokenizer.sep_token_id,
            "sep_token_id": tokenizer.sep_token_id,
            "id2label": dict(enumerate(labels)),
            "label2id": {name: index for index, name in enumerate(labels)},
            "problem_type": problem_type(Task(tuple(labels), kind=kind)),
            **dict.fromkeys(_DROPOUTS, dropout),
            **(config or {}),
        },
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = model_class(Task(tuple(labels), kind=kind)).from_config(settings)
    model.eval()
    accepted = inspect.signature(model.forward).parameters
    tokenizer.model_input_names = [name for name in tokenizer.model_input_names if name in accepted]
    return Encoder(model, tokenizer, checkpoint=f"tiny-{family}")


# The names of the families' dropout rates; a configuration ignores names that it doesn't know.
_DROPOUTS = (
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
    "classifier_dropout_prob",
    "classifier_dropout",
    "pooler_dropout",
    "summary_last_dropout",
    "dropout",
    "seq_classif_dropout",
    "attention_dropout",
    "embedding_dropout",
    "mlp_dropout",
)


def tiny_data(rows: int = 64, seed: int = 0) -> DatasetDict:
    """Return made-up reviews whose label follows from words of praise or blame.

    Args:
        rows: the number of rows in ``train``; ``validation`` and ``test`` have a quarter of it, at least two.
        seed: the seed of the texts.

    Returns:
        Splits ``train``, ``validation`` and ``test`` with columns ``text`` (string) and ``label``
        (``ClassLabel(["negative", "positive"])``). The labels alternate.
    """
    from datasets import DatasetDict

    generator = random.Random(seed)
    return DatasetDict({split: _tiny_split(count, generator) for split, count in _sizes(rows).items()})


def _sizes(rows: int) -> dict[str, int]:
    quarter = max(2, rows // 4)
    return {"train": rows, "validation": quarter, "test": quarter}


TOPICS = ("cast", "music", "plot")


def tiny_topics(rows: int = 64, seed: int = 0) -> DatasetDict:
    """Return made-up reviews about any number of topics, from none to all.

    Arguments and splits are those of :func:`tiny_data`; the column ``label`` holds lists of ``ClassLabel(TOPICS)``.
    """
    from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value

    generator = random.Random(seed)
    features = Features({"text": Value("string"), "label": List(ClassLabel(names=list(TOPICS)))})
    splits = {}
    for name, count in _sizes(rows).items():
        labels = [[topic for topic in range(len(TOPICS)) if generator.random() < 0.4] for _ in range(count)]
        texts = [_sentence_on([TOPICS[topic] for topic in row], generator) for row in labels]
        splits[name] = Dataset.from_dict({"text": texts, "label": labels}, features=features)
        splits[name].info.description = "invented reviews (textclf_core.testing.tiny_topics)"
    return DatasetDict(splits)


def _sentence_on(topics: Sequence[str], generator: random.Random) -> str:
    words = [*topics, *generator.choices(_FILLERS, k=generator.randint(2, 6))]
    return " ".join(generator.sample(words, k=len(words)))


TAGS = ("O", "B-blame", "B-praise", "I-blame", "I-praise")


def tiny_words(rows: int = 64, seed: int = 0) -> DatasetDict:
    """Return made-up token sequences whose entities are one or two words of praise or blame.

    Args:
        rows: the number of rows in ``train``; ``validation`` and ``test`` have a quarter of it, at least two.
        seed: the seed of the sequences.

    Returns:
        Splits ``train``, ``validation`` and ``test`` with columns ``tokens`` (lists of words) and ``label`` (lists of
        ``ClassLabel(TAGS)``). Some sequences have no entity.
    """
    from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value

    generator = random.Random(seed)
    features = Features({"tokens": List(Value("string")), "label": List(ClassLabel(names=list(TAGS)))})
    splits = {}
    for name, count in _sizes(rows).items():
        sequences = [_tagged_sequence(generator) for _ in range(count)]
        columns = {
            "tokens": [[word for word, _ in sequence] for sequence in sequences],
            "label": [[TAGS.index(tag) for _, tag in sequence] for sequence in sequences],
        }
        splits[name] = Dataset.from_dict(columns, features=features)
        splits[name].info.description = "invented sentences (textclf_core.testing.tiny_words)"
    return DatasetDict(splits)


def _tagged_sequence(generator: random.Random) -> list[tuple[str, str]]:
    sequence = []
    for _ in range(generator.randint(1, 3)):
        sequence += [(word, "O") for word in generator.choices(_FILLERS + _THINGS, k=generator.randint(1, 4))]
        kind = generator.choice(("praise", "blame", None))
        if kind:
            known = _PRAISE if kind == "praise" else _BLAME
            # A word always begins an entity or always continues one, so that few examples are enough to learn it.
            words = [generator.choice(known[::2]), *generator.sample(known[1::2], k=generator.randint(0, 1))]
            sequence += [(word, f"{'I' if place else 'B'}-{kind}") for place, word in enumerate(words)]
    return sequence


def _tiny_split(rows: int, generator: random.Random) -> Dataset:
    from datasets import ClassLabel, Dataset, Features, Value

    labels = [row % 2 for row in range(rows)]
    split = Dataset.from_dict(
        {"text": [_sentence((_BLAME, _PRAISE)[label], generator) for label in labels], "label": labels},
        features=Features({"text": Value("string"), "label": ClassLabel(names=list(LABELS))}),
    )
    split.info.description = "invented reviews (textclf_core.testing.tiny_data)"
    return split


def _sentence(opinions: Sequence[str], generator: random.Random) -> str:
    fillers = generator.choices(_FILLERS, k=generator.randint(2, 9))
    words = [*fillers, generator.choice(_THINGS), *generator.sample(opinions, k=2)]
    generator.shuffle(words)
    return " ".join(words)
