"""A task whose words have labels: from the data to the record, the predictions and the saved model."""

from __future__ import annotations

import csv
import json
import logging
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
from checkpoints import write_checkpoint
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value
from seqeval.metrics import f1_score
from tokenizers import ByteLevelBPETokenizer
from transformers import PreTrainedTokenizerFast, pipeline

from textclf_core import compare, report, run
from textclf_core.data import prepare, with_train_size
from textclf_core.data.sampling import TrainSize
from textclf_core.encoder.families import FAMILIES
from textclf_core.errors import DataError, UsageError
from textclf_core.inference.store import load_classifier
from textclf_core.plugins import Catalogue
from textclf_core.results import ComparisonResult, Run
from textclf_core.tasks.subtokens import WORD_STARTS, encode_words
from textclf_core.testing import TAGS, tiny_encoder, tiny_words
from textclf_core.types.recipe import Recipe
from textclf_core.types.task import Task

TASK = Task(TAGS, ("tokens",), "tokens")


@pytest.fixture(scope="module")
def model(tiny_checkpoint: Path) -> str:
    return f"hf-model:checkpoint={tiny_checkpoint}"


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of a model of one block that learnt what entities there are."""
    checkpoint = write_checkpoint(tmp_path_factory.mktemp("model"), num_hidden_layers=1, initializer_range=0.02)
    return run(
        [f"hf-model:checkpoint={checkpoint}", "finetune:learning_rate=5e-3,epochs=10,batch_size=8"],
        data=tiny_words(96),
        output=tmp_path_factory.mktemp("runs"),
        quiet=True,
    )


def stored(of: Run, split: str = "test") -> list[dict[str, object]]:
    return [row for row in of.predictions().to_pylist() if row["split"] == split]


def scores(of: Run) -> np.ndarray:
    return np.concatenate([np.array(row) for row in of.predictions()["scores"].to_pylist()])


def test_the_record_holds_the_f1_of_entities_that_seqeval_computes(done: Run) -> None:
    rows = stored(done)
    expected = f1_score([row["label"] for row in rows], [row["prediction"] for row in rows])
    assert done.metrics["test"]["f1"] == pytest.approx(expected)
    assert done.metrics["test"]["f1"] > 0.8
    assert {"precision", "recall", "accuracy", "f1/blame", "f1/praise"} < done.metrics["test"].keys()
    assert done.record.data.task_kind == "tokens"


def test_predictions_hold_words_labels_scores_and_spans(done: Run) -> None:
    for row in stored(done):
        words = len(row["tokens"])
        assert len(row["label"]) == len(row["prediction"]) == len(row["scores"]) == words
        assert np.allclose(np.sum(row["scores"], axis=1), 1, atol=1e-5)
        covered = [index for span in row["spans"] for index in range(span["start"], span["end"])]
        assert covered == [index for index, tag in enumerate(row["prediction"]) if tag != "O"]


def test_the_saved_model_gives_the_scores_that_the_run_stored(done: Run) -> None:
    classifier, task = load_classifier(done.directory, Catalogue.discover())
    assert task.kind == "tokens"
    again = classifier.scores(tiny_words(96)["test"])
    for row, word_scores in zip(stored(done), again, strict=True):
        assert np.allclose(row["scores"], word_scores, atol=1e-6)


def test_the_saved_model_works_in_the_pipeline_of_transformers(done: Run) -> None:
    row = next(row for row in stored(done) if row["spans"])
    text = " ".join(row["tokens"])
    found = pipeline("token-classification", str(done.directory / "model"), aggregation_strategy="first")(text)
    ours = done.predict([text])[0]["entities"]
    assert [(one["entity_group"], one["start"], one["end"]) for one in found] == [
        (one["type"], one["start"], one["end"]) for one in ours
    ]


def test_the_model_card_has_the_entities_scores(done: Run, tmp_path: Path) -> None:
    done.export(tmp_path / "card")
    card = (tmp_path / "card" / "README.md").read_text()
    assert "pipeline_tag: token-classification" in card
    assert "Labels each word of a text with one of" in card
    entities = sum(tag.startswith("B-praise") for row in stored(done) for tag in row["label"])
    assert re.search(rf"\| praise +\|.*\| {entities} ", card)
    assert re.search(r"\| f1 +\| [\d.]+ +\| \[[\d.]+, [\d.]+\]", card)


def test_predict_gives_the_entities_of_a_text(done: Run) -> None:
    [row] = done.predict(["the plot  was really bright"])
    [entity] = row["entities"]
    assert row["text"][entity["start"] : entity["end"]] == entity["text"] == "bright"
    assert entity["type"] == "praise"
    assert 0 < entity["score"] <= 1
    assert done.predict([""]) == [{"text": "", "entities": []}]


def test_predict_reads_files_and_lists_of_words(done: Run, tmp_path: Path, textclf: Callable[..., int]) -> None:
    rows = [{"tokens": ["a", "bright", "plot"]}, {"tokens": ["very", None, "awful"]}, {"tokens": None}]
    source, labelled, table = tmp_path / "in.jsonl", tmp_path / "out.csv", tmp_path / "out.parquet"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert textclf("predict", str(done.directory), "--input", str(source), "--output", str(labelled)) == 0
    with labelled.open() as stream:
        found = [json.loads(row["entities"]) for row in csv.DictReader(stream)]
    assert [[one["text"] for one in of_row] for of_row in found] == [["bright"], ["awful"], []]
    assert textclf("predict", str(done.directory), "--input", str(source), "--output", str(table)) == 0
    assert pq.read_table(table).to_pylist() == [
        row | {"entities": entities} for row, entities in zip(rows, found, strict=True)
    ]
    assert [row["entities"] for row in done.predict(pd.read_parquet(table, columns=["tokens"]))] == found


@pytest.mark.parametrize("written", ['["a", "bright", "plot"]', "['a', 'bright', 'plot']", "['a' 'bright' 'plot']"])
def test_lists_of_words_as_text_are_read_as_words(written: str, done: Run, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "textclf")
    rows = done.predict([{"tokens": written}, {"tokens": "[a bright plot]"}])
    assert rows[0]["entities"] == done.predict([["a", "bright", "plot"]])[0]["entities"]
    assert rows[0]["tokens"] == written
    assert "1 of 2 texts are lists of words written as text; they are read as these words" in caplog.text


def test_words_with_their_tags_as_plain_text_are_reported(
    done: Run, tmp_path: Path, textclf: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in.txt").write_text("bright B-praise\nplot O\n")
    assert textclf("predict", str(done.directory), "--input", str(tmp_path / "in.txt")) == 0
    assert "the first line, 'bright B-praise', looks like a word and its tag" in capsys.readouterr().err


def test_a_list_with_other_items_than_words_is_refused(done: Run) -> None:
    with pytest.raises(DataError, match="of type list, not a text or a list of words"):
        done.predict([{"tokens": ["a", 5]}])


def test_a_dict_of_lists_of_words_may_be_a_row_or_columns(done: Run) -> None:
    with pytest.raises(UsageError, match="may be one row or a dict of columns: pass a list of rows"):
        done.predict({"tokens": ["a", "bright", "plot"]})
    columns = {"tokens": [["a", "bright", "plot"], ["dull"]], "source": ["x", "y"]}
    assert [row["source"] for row in done.predict(columns)] == ["x", "y"]


def test_without_an_entity_their_f1_is_no_number(tmp_path: Path) -> None:
    data = tiny_words(24)
    test = data["test"]
    outside = [[test.features["label"].feature.str2int("O")] * len(row) for row in test["label"][:]]
    columns = {"tokens": test["tokens"][:], "label": outside}
    data["test"] = Dataset.from_dict(columns, features=test.features)
    metrics = run(["majority"], data=data, output=tmp_path, quiet=True).metrics
    assert [metrics["test"][name] for name in ("f1", "precision", "recall")] == [None, None, None]
    assert metrics["validation"]["f1"] == 0
    with pytest.raises(UsageError, match=r"f1: it has no value on test .* since no row has the label"):
        compare(["majority"], data=data, output=tmp_path, baselines=False, quiet=True)


def without_some_labels(data: DatasetDict) -> DatasetDict:
    """Return rows where every third word, and the last row of each split, has no label."""
    splits = {}
    for name, split in data.items():
        labels = [[-100 if place % 3 == 2 else label for place, label in enumerate(row)] for row in split["label"][:]]
        labels[-1] = [-100] * len(labels[-1])
        splits[name] = Dataset.from_dict({"tokens": split["tokens"][:], "label": labels}, features=split.features)
    return DatasetDict(splits)


@pytest.fixture(scope="module")
def partly(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run on words of which some have no label."""
    checkpoint = write_checkpoint(tmp_path_factory.mktemp("model"), num_hidden_layers=1, initializer_range=0.02)
    return run(
        [f"hf-model:checkpoint={checkpoint}", "finetune:learning_rate=5e-3,epochs=3,batch_size=8,focal_gamma=1"],
        data=without_some_labels(tiny_words(96)),
        output=tmp_path_factory.mktemp("runs"),
        quiet=True,
    )


def test_words_without_a_label_are_in_no_score(partly: Run) -> None:
    for split in ("validation", "test"):
        rows = stored(partly, split)
        known = [
            [(label, found) for label, found in zip(row["label"], row["prediction"], strict=True) if label is not None]
            for row in rows
        ]
        assert sum(map(len, known)) < sum(len(row["tokens"]) for row in rows)
        expected = f1_score(*([[pair[part] for pair in row] for row in known] for part in (0, 1)))
        assert partly.metrics[split]["f1"] == pytest.approx(expected)
        right = [label == found for row in known for label, found in row]
        assert partly.metrics[split]["accuracy"] == pytest.approx(np.mean(right))


def test_words_without_a_label_are_in_no_count(partly: Run) -> None:
    assert partly.record.data.task.label_names == TAGS
    for split in partly.record.data.splits:
        labels = without_some_labels(tiny_words(96))[split.name]["label"]
        assert sum(split.label_counts.values()) == sum(label >= 0 for row in labels for label in row)


def test_words_without_a_label_are_in_no_loss(partly: Run) -> None:
    last = json.loads((partly.directory / "history.jsonl").read_text().splitlines()[-1])
    assert last["validation_accuracy"] == pytest.approx(partly.metrics["validation"]["accuracy"], abs=1e-6)


def test_reports_count_the_words_with_a_label(partly: Run, tmp_path: Path) -> None:
    same = report(partly.directory, metric="accuracy")
    assert same.analysis is not None
    assert same.analysis.rows[0].score == pytest.approx(partly.metrics["test"]["accuracy"])
    assert report(partly.directory, classes=True).text()
    assert report(partly.directory, format="page", output=tmp_path / "page.html").written


def test_a_word_of_several_sub_tokens_is_labelled_on_the_first() -> None:
    encoder = tiny_encoder(labels=TAGS, kind="tokens")
    features = tiny_words(4)["train"].features
    data = Dataset.from_dict({"tokens": [["the", "xyz", "grim"]], "label": [[0, 2, 1]]}, features=features)
    [row] = encoder.tokenize(data, TASK, Recipe())
    assert encoder.tokenizer.convert_ids_to_tokens(row["input_ids"]) == [
        "[CLS]",
        "the",
        "x",
        "##y",
        "##z",
        "grim",
        "[SEP]",
    ]
    assert row["label"] == [-100, 0, 2, -100, -100, 1, -100]
    assert row["word_starts"] == [-1, 0, 1, -1, -1, 2, -1]
    batch = encoder.collate(
        [
            row,
            {**row, "input_ids": row["input_ids"] + [5]}
            | {
                "attention_mask": row["attention_mask"] + [1],
                "token_type_ids": row["token_type_ids"] + [0],
                "label": row["label"] + [-100],
            },
        ]
    )
    assert batch["labels"].shape == batch["input_ids"].shape
    assert batch["labels"][0, -1] == -100


def test_a_byte_level_tokenizer_gets_the_blank_that_it_takes_for_part_of_a_word() -> None:
    learned = ByteLevelBPETokenizer()
    learned.train_from_iterator(["the plot was bright"] * 20, vocab_size=300, min_frequency=1, show_progress=False)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=learned._tokenizer)
    encoded = encode_words(tokenizer, [["the", "", "plot"]])
    in_text = tokenizer(" the plot")["input_ids"]
    assert encoded["input_ids"] == [in_text]
    assert [word for word in encoded[WORD_STARTS][0] if word >= 0] == [0, 2]


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_the_token_head_is_separated_from_the_blocks_in_every_family(family: str) -> None:
    encoder = tiny_encoder(family, labels=TAGS, kind="tokens")
    rows = encoder.tokenize(tiny_words(4)["train"], TASK, Recipe())
    batch = encoder.collate(list(rows))
    with torch.no_grad():
        whole = encoder.logits(batch)
        cut = encoder.run_from(encoder.run_prefix(batch, encoder.num_blocks), batch, encoder.num_blocks)
    assert whole.shape == (*batch["input_ids"].shape, len(TAGS))
    assert torch.allclose(whole, cut, atol=1e-5)
    assert not encoder.reads_first_token
    encoder.freeze(body=True)
    assert {encoder.part_of(name) for name in encoder.trainable_names()} == {"head"}


def test_truncated_words_count_as_outside_and_are_reported(model: str, tmp_path: Path) -> None:
    short = run([model, "finetune:max_length=4"], data=tiny_words(24), output=tmp_path, quiet=True)
    rows = [row for row in stored(short) if len(row["tokens"]) > 2]
    assert rows
    for row in rows:
        assert set(row["prediction"][2:]) == {"O"}
        assert all(of_word[TAGS.index("O")] == 1 for of_word in row["scores"][2:])
    assert any("words were truncated" in note and note.startswith("test: ") for note in short.record.notes)
    assert next(split for split in short.record.data.splits if split.name == "test").truncated > 0


def test_micro_batches_leave_the_gradient_as_it_is(tmp_path: Path) -> None:
    # Sequences differ in their number of words, so a mean of the micro-batches' means would be another gradient.
    encoder = tiny_encoder(blocks=1, dropout=0.0)
    encoder.model.save_pretrained(tmp_path / "model")
    encoder.tokenizer.save_pretrained(tmp_path / "model")
    model, settings = f"hf-model:checkpoint={tmp_path / 'model'}", "finetune:batch_size=8,learning_rate=1e-3"
    whole, cut = (
        run([model, settings + more], data=tiny_words(32), output=tmp_path / "runs", quiet=True)
        for more in ("", ",micro_batch_size=3")
    )
    assert np.allclose(scores(whole), scores(cut), atol=1e-4)


def test_frozen_blocks_are_cached_and_nothing_but_time_changes(model: str, tmp_path: Path) -> None:
    settings = "finetune:learning_rate=1e-3,epochs=2,batch_size=8"
    cached, plain = (
        run(
            [model, "freeze-first-n:n=2", settings + more],
            data=tiny_words(32),
            output=tmp_path,
            cache_dir=tmp_path / "cache",
            quiet=True,
        )
        for more in ("", ",prefix_cache=false")
    )
    assert cached.record.cost.prefix_rows_computed > 0
    assert np.allclose(scores(cached), scores(plain), atol=1e-4)


def test_hf_trainer_computes_what_finetune_computes(model: str, tmp_path: Path) -> None:
    first, second = (
        run([model, f"{trainer}:learning_rate=1e-3,batch_size=8"], data=tiny_words(32), output=tmp_path, quiet=True)
        for trainer in ("finetune", "hf-trainer")
    )
    assert np.allclose(scores(first), scores(second), atol=1e-4)


@pytest.fixture(scope="module")
def compared(model: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[ComparisonResult, Path]:
    """A comparison of words' labels with the baseline that there is for them, and where its runs are."""
    output = tmp_path_factory.mktemp("compared")
    settings = "finetune:learning_rate=1e-2,epochs=3,batch_size=8"
    return compare(["full"], plugins=[model, settings], seeds=2, data=tiny_words(64), output=output, quiet=True), output


def test_a_comparison_resamples_sequences_and_excludes_contenders_without_token_labels(
    compared: tuple[ComparisonResult, Path],
) -> None:
    comparison, _ = compared
    assert not comparison.failed
    assert comparison.analysis is not None
    by_label = {row.line.label: row for row in comparison.analysis.rows}
    assert by_label.keys() == {"full", "majority"}
    assert by_label["majority"].score == 0
    assert by_label["full"].verdict == "best"
    assert by_label["majority"].verdict == "worse"
    for row in comparison.analysis.rows:
        assert row.score == pytest.approx(np.mean([one.record.metrics["test"]["f1"] for one in row.line.runs]))
        assert row.low <= row.score <= row.high


def test_the_reports_of_such_a_comparison_are_written(
    compared: tuple[ComparisonResult, Path],
    tmp_path: Path,
    textclf: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    runs, page = str(compared[1]), tmp_path / "page.html"
    assert textclf("report", runs, "--classes", "--slice", "length") == 0
    printed = capsys.readouterr().out
    assert "praise" in printed
    assert "entities" in printed
    assert textclf("report", runs, "--metric", "accuracy") == 0
    assert textclf("report", runs, "--format", "json") == 0
    assert textclf("report", runs, "--format", "page", "--output", str(page), "--plots", str(tmp_path / "plots")) == 0
    text = page.read_text()
    assert "no entity" in text
    assert "Of the predictions for words" in text


def test_metrics_of_whole_texts_are_refused_where_words_have_labels(model: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^f1: it scores whole texts \(entity-f1 .*each word has a label"):
        run([model, "f1"], data=tiny_words(16), output=tmp_path, quiet=True)
    with pytest.raises(UsageError, match="tfidf-logreg: it labels whole texts"):
        run(["tfidf-logreg"], data=tiny_words(16), output=tmp_path, quiet=True)
    with pytest.raises(UsageError, match="entity-f1: it scores entities, and here each text has a label"):
        run(
            ["majority", "entity-f1"], data=[(f"good {n}", "ab"[n % 2]) for n in range(40)], output=tmp_path, quiet=True
        )


@pytest.mark.parametrize(
    "plugins",
    [
        ["embedding-logreg"],
        ["setfit"],
        ["zero-shot-embeddings"],
        ["zero-shot:checkpoint=owner/name"],
        ["task-specific:checkpoint=owner/name"],
        ["majority", "calibration"],
        ["majority", "threshold"],
    ],
)
def test_what_labels_whole_texts_is_refused_where_words_have_labels(plugins: list[str], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"it (labels|calibrates|decides on) .*, and here each word has a label\.$"):
        run(plugins, data=tiny_words(16), output=tmp_path, quiet=True)


def test_labels_that_are_no_entities_are_scored_by_the_word(tmp_path: Path) -> None:
    rows = [{"tokens": [f"plot{n}", "was", "dull"], "label": ["NOUN", "VERB", "ADJ"]} for n in range(30)]
    rows += [{"tokens": [f"hero{n}"], "label": ["NOUN"]} for n in range(30)]
    tagged = run(["majority"], data=rows, output=tmp_path, quiet=True)
    assert tagged.metrics["test"].keys() == {"accuracy"}
    settings = {"seeds": 1, "data": rows, "baselines": False, "output": tmp_path / "compared", "quiet": True}
    compared = compare(["majority"], **settings)
    assert compared.analysis is not None
    assert compared.analysis.rows[0].score == tagged.metrics["test"]["accuracy"]
    with pytest.raises(UsageError, match=r"--metric f1: no plugin describes .* Described are accuracy\."):
        compare(["majority"], metric="f1", **settings | {"output": tmp_path / "refused"})
    assert not (tmp_path / "refused").exists(), "nothing has run"


def test_columns_of_other_names_are_found(tmp_path: Path) -> None:
    rows = [{"words": ["Ada", f"wrote{n}"], "ner_tags": ["B-person", "O"], "source": "a"} for n in range(40)]
    found = run(["majority"], data=rows, output=tmp_path, quiet=True)
    assert found.record.data.label_names == ("O", "B-person")
    assert found.predictions()["source"].to_pylist()[0] == "a"


def test_files_and_saved_data_sets_may_hold_lists_of_words(tmp_path: Path) -> None:
    rows = [{"tokens": ["Ada", f"wrote{n}"], "ner_tags": ["B-person", "O"]} for n in range(40)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    tiny_words(40).rename_column("label", "ner_tags").save_to_disk(tmp_path / "saved")
    for dataset, names in (
        (f"files:path={tmp_path / 'rows.jsonl'}", ("O", "B-person")),
        (f"hf-dataset:id={tmp_path / 'saved'}", TAGS),
    ):
        found = run([dataset, "majority"], output=tmp_path / "runs", quiet=True)
        assert found.record.data.task_kind == "tokens"
        assert found.record.data.label_names == names


def test_splits_are_held_out_and_sampled_by_sequence() -> None:
    train = tiny_words(80)["train"]
    prepared = prepare(DatasetDict(train=train), 0)
    assert sum(split.rows for split in prepared.record.splits) == 80
    assert with_train_size(prepared, TrainSize(share=0.5), 0).record.splits[0].rows == pytest.approx(32, abs=1)
    with pytest.raises(DataError, match="give a share of train"):
        with_train_size(prepared, TrainSize(per_class=4), 0)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"tokens": [["a", "b"]], "label": [[0]]}, "1 rows have more or fewer labels than words, the first is row 1"),
        ({"tokens": [["a", "b"]], "label": [[0, -1]]}, "1 rows have a word without a label"),
        ({"tokens": [["a", "b"]], "label": [[0, 0]]}, "every word has the same label"),
    ],
)
def test_labels_that_dont_fit_the_words_are_an_error(rows: dict[str, list[object]], message: str) -> None:
    features = Features({"tokens": List(Value("string")), "label": List(ClassLabel(names=["O", "B-x"]))})
    data = DatasetDict(train=Dataset.from_dict(rows, features=features))
    with pytest.raises(DataError, match=message):
        prepare(data, 0)
