"""What stays of a text that is too long, with the tokenizers of three architectures."""

from __future__ import annotations

from pathlib import Path

import pytest
from datasets import Dataset
from tokenizers import ByteLevelBPETokenizer, Tokenizer
from tokenizers.models import Unigram
from tokenizers.pre_tokenizers import Metaspace
from tokenizers.processors import RobertaProcessing, TemplateProcessing
from transformers import PreTrainedTokenizerFast

from textclf_core.encoder import Encoder
from textclf_core.encoder.truncation import kept_places
from textclf_core.errors import UsageError
from textclf_core.testing import tiny_encoder, tiny_tokenizer
from textclf_core.types.task import Task
from textclf_core.types.tokenization import Tokenization, Truncation

LETTERS = "abcdefghijklmnopqrstuvwxyz"
MARKS = {"bos_token": "<s>", "cls_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "pad_token": "<pad>"}


def roberta_tokenizer() -> PreTrainedTokenizerFast:
    """RoBERTa's: bytes, and two separators between the texts of a pair."""
    learned = ByteLevelBPETokenizer()
    learned.train_from_iterator([LETTERS], vocab_size=300, special_tokens=["<s>", "<pad>", "</s>"], show_progress=False)
    learned._tokenizer.post_processor = RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True)
    return PreTrainedTokenizerFast(tokenizer_object=learned._tokenizer, model_max_length=64, **MARKS)


def xlnet_tokenizer() -> PreTrainedTokenizerFast:
    """XLNet's, of the sentencepiece kind: all special tokens behind the texts."""
    special = ("<unk>", "<pad>", "</s>", "<s>")
    pieces = [*special, *LETTERS, *(f"▁{letter}" for letter in LETTERS)]
    tokenizer = Tokenizer(Unigram([(piece, -1.0) for piece in pieces], unk_id=0))
    tokenizer.pre_tokenizer = Metaspace()
    tokenizer.post_processor = TemplateProcessing(
        single="$A </s> <s>", pair="$A </s> $B:1 </s>:1 <s>:2", special_tokens=[("</s>", 2), ("<s>", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=64,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        **MARKS,
    )


TOKENIZERS = {"bert": tiny_tokenizer, "roberta": roberta_tokenizer, "xlnet": xlnet_tokenizer}


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return tiny_encoder("bert")


def read(encoder: Encoder, name: str, *texts: str, max_length: int = 10, truncation: Truncation = "head") -> str:
    """Return what a tokenizer leaves of texts, a letter a token and special tokens as a bar: ``|ab|``."""
    tokenizer = TOKENIZERS[name]()
    encoder = Encoder(encoder.model, tokenizer, name)
    columns = tuple(f"column {number}" for number in range(len(texts)))
    data = Dataset.from_dict({column: [text] for column, text in zip(columns, texts, strict=True)})
    tokenization = Tokenization(max_length=max_length, truncation=truncation)
    [row] = encoder.tokenize(data, Task(("no", "yes"), columns), tokenization)
    assert len(row["attention_mask"]) == len(row["input_ids"]) <= max_length
    tokens = tokenizer.convert_ids_to_tokens(row["input_ids"])
    return "".join("|" if token in tokenizer.all_special_tokens else token.strip("#▁") for token in tokens)


@pytest.mark.parametrize(
    ("name", "head", "tail", "both"),
    [
        ("bert", "|abcdefgh|", "|mnopqrst|", "|abopqrst|"),
        ("roberta", "|abcdefgh|", "|mnopqrst|", "|abopqrst|"),
        ("xlnet", "abcdefgh||", "mnopqrst||", "abopqrst||"),
    ],
)
def test_the_head_the_tail_or_both_stay_between_the_special_tokens(
    encoder: Encoder, name: str, head: str, tail: str, both: str
) -> None:
    text = LETTERS[:20]
    assert read(encoder, name, text) == head
    assert read(encoder, name, text, truncation="tail") == tail
    assert read(encoder, name, text, truncation="head+tail") == both


@pytest.mark.parametrize("truncation", ["head", "tail", "head+tail"])
def test_a_text_that_fits_stays_whole(encoder: Encoder, truncation: Truncation) -> None:
    assert read(encoder, "bert", LETTERS[:8], truncation=truncation) == "|abcdefgh|"


def test_the_quarter_is_that_of_the_source_on_its_510_tokens() -> None:
    kept = kept_places([1, *[0] * 1000, 1], 512, "head+tail")
    assert [int(place) for place in (kept[128], kept[129], kept[-2])] == [128, 619, 1000]


@pytest.mark.parametrize("name", TOKENIZERS)
@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("lengths", [(20,), (3, 20), (20, 3), (12, 13), (13, 12), (9, 9)])
def test_head_and_tail_are_what_transformers_keeps(
    encoder: Encoder, name: str, side: str, lengths: tuple[int, ...]
) -> None:
    texts = [LETTERS[:length] for length in lengths]
    tokenizer = TOKENIZERS[name]()
    tokenizer.truncation_side = side
    wanted = tokenizer(*texts, truncation=True, max_length=11)
    data = Dataset.from_dict({str(number): [text] for number, text in enumerate(texts)})
    tokenization = Tokenization(max_length=11, truncation="head" if side == "right" else "tail")
    task = Task(("no", "yes"), tuple(data.column_names))
    [row] = Encoder(encoder.model, tokenizer, name).tokenize(data, task, tokenization)
    assert {key: row[key] for key in wanted} == dict(wanted)


def test_of_three_texts_the_longest_is_truncated_first(encoder: Encoder) -> None:
    assert read(encoder, "bert", "ab", LETTERS[:20], LETTERS[:9], max_length=14) == "|ab|abcd|abcd|"
    assert read(encoder, "bert", "ab", LETTERS[:20], "", max_length=14, truncation="tail") == "|ab|mnopqrst||"
    assert read(encoder, "xlnet", "ab", LETTERS[:20], "c", max_length=14) == "ab|abcdefg|c||"


def test_beside_an_empty_text_the_other_has_the_room(encoder: Encoder) -> None:
    assert read(encoder, "bert", LETTERS[:20], "") == "|abcdefg||"


def test_a_separator_that_somebody_wrote_is_text(encoder: Encoder) -> None:
    assert read(encoder, "bert", "ab [SEP] cd" * 5, max_length=6) == "|ab|c|"


def test_a_length_without_room_for_text_is_refused(encoder: Encoder) -> None:
    with pytest.raises(UsageError, match="max_length=4 leaves no tokens for text besides the 4 special tokens"):
        read(encoder, "roberta", "abc", "def", max_length=4)


def test_a_percentile_is_the_length_that_covers_that_share(encoder: Encoder) -> None:
    data = Dataset.from_dict({"text": ["a " * length for length in range(1, 101)]})
    lengths = [encoder.covering_length(data.select(range(20)), Task(("no", "yes")), p) for p in ("p50", "p95", "p100")]
    assert lengths == [12, 21, 22]  # special tokens included
    assert encoder.covering_length(data, Task(("no", "yes")), "p99") == encoder.longest_input == 64


def test_the_longest_input_may_be_a_percentile_of_train(encoder: Encoder) -> None:
    train = Dataset.from_dict({"text": ["a b", "a b c", "a b c d e f"]})
    asked = Tokenization(max_length="p50", truncation="tail")
    assert encoder.with_length(asked, train, Task(("no", "yes"))) == Tokenization(max_length=5, truncation="tail")


def test_it_is_written_beside_a_model_and_read_again(tmp_path: Path) -> None:
    Tokenization(max_length=12, truncation="head+tail").save(tmp_path)
    assert Tokenization.load(tmp_path) == Tokenization(max_length=12, truncation="head+tail")
