"""Checkpoints as people have them: each is understood, or refused in one line before training."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import textclf_core
from textclf_core.cli import main
from textclf_core.errors import UsageError
from textclf_core.testing import tiny_data, tiny_encoder
from textclf_core.types.task import Task
from textclf_plugins.models.hf_model import HfModel

TASK = Task(label_names=("no", "yes"))
PAIR = Task(label_names=("no", "yes"), text_columns=("title", "body"))
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 440\n"
QUERY = "bert.encoder.layer.0.attention.self.query.weight"


def save(folder: Path, family: str = "bert", **config: Any) -> Path:
    encoder = tiny_encoder(family=family, config=config)
    encoder.model.save_pretrained(folder)
    encoder.tokenizer.save_pretrained(folder)
    return folder


def update(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def build(folder: Path | str, task: Task = TASK) -> Any:
    plugin = HfModel(checkpoint=str(folder))
    plugin.textclf_check_options("whole")
    return plugin.textclf_build_model(task)


def weights_of(encoder: Any) -> dict[str, torch.Tensor]:
    return {name: weight for name, weight in encoder.model.state_dict().items() if "classifier" not in name}


# What is understood


def test_the_folder_of_a_run_stands_for_its_model(tmp_path: Path) -> None:
    first = textclf_core.run(
        [f"hf-model:checkpoint={save(tmp_path / 'tiny')}", "finetune:learning_rate=1e-2"],
        data=tiny_data(),
        output=tmp_path / "runs",
        quiet=True,
    )
    trained = load_file(first.directory / "model" / "model.safetensors")
    for folder in (first.directory, first.directory / "model"):
        encoder = build(folder)
        assert all(torch.equal(weight, trained[name]) for name, weight in weights_of(encoder).items())
        assert encoder.checkpoint == str(first.directory / "model")
    with pytest.raises(UsageError, match=f"holds the runs {first.record.id}. Give one of them"):
        build(tmp_path / "runs")


def test_a_run_without_a_transformer_is_refused_with_what_trained_it(tmp_path: Path) -> None:
    run = textclf_core.run(["tfidf-logreg"], data=tiny_data(), output=tmp_path, quiet=True)
    with pytest.raises(UsageError, match=r"has no transformer: its model was made by tfidf-logreg"):
        build(run.directory)


@pytest.mark.parametrize("inner", ["", "0_Transformer"])
def test_a_sentence_transformers_folder_stands_for_its_transformer(
    tmp_path: Path, inner: str, caplog: pytest.LogCaptureFixture
) -> None:
    save(tmp_path / inner)
    modules = [
        {"idx": 0, "name": "0", "path": inner, "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
        {"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"},
    ]
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    caplog.set_level("INFO", "textclf")
    assert build(tmp_path).checkpoint == str(tmp_path / inner)
    assert "only the transformer is used, not its other modules: Dense" in caplog.text


def test_a_sentence_transformers_model_without_a_transformer_is_refused(tmp_path: Path) -> None:
    modules = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.StaticEmbedding"}]
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(UsageError, match="without a transformer: it has StaticEmbedding"):
        build(tmp_path)


def save_adapter(base: Path, folder: Path, *, body: bool = False, **settings: Any) -> dict[str, torch.Tensor]:
    """Save an adapter with a trained head, and return the weights of the model that it makes of its base."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModel, AutoModelForSequenceClassification

    auto = AutoModel if body else AutoModelForSequenceClassification
    model = (
        auto.from_pretrained(base) if body else auto.from_pretrained(base, num_labels=5, ignore_mismatched_sizes=True)
    )
    kind = "FEATURE_EXTRACTION" if body else "SEQ_CLS"
    adapted = get_peft_model(
        model, LoraConfig(target_modules=["query"], init_lora_weights=False, task_type=kind, **settings)
    )
    adapted.save_pretrained(folder)
    return {name: weight.clone() for name, weight in adapted.merge_and_unload().state_dict().items()}


@pytest.mark.parametrize("body", [False, True])
def test_an_adapter_is_merged_into_its_model(tmp_path: Path, body: bool) -> None:
    base = save(tmp_path / "base")
    merged = save_adapter(base, tmp_path / "adapter", body=body)
    encoder = build(tmp_path / "adapter")
    found = weights_of(encoder)
    assert torch.allclose(found[QUERY], merged[QUERY.removeprefix("bert.") if body else QUERY])
    assert not torch.equal(found[QUERY], load_file(base / "model.safetensors")[QUERY])
    assert set(encoder.model.state_dict()) == set(tiny_encoder().model.state_dict())
    assert all(parameter.requires_grad for parameter in encoder.model.parameters())
    assert encoder.model.get_parameter("classifier.weight").shape[0] == 2


def test_the_adapter_of_a_run_gives_the_body_of_its_model(tmp_path: Path) -> None:
    """Its pooler and head are whole modules beside the low-rank matrices."""
    run = textclf_core.run(
        [f"hf-model:checkpoint={save(tmp_path / 'base')}", "lora", "finetune:learning_rate=1e-2,epochs=1"],
        data=tiny_data(32),
        output=tmp_path / "runs",
        quiet=True,
    )
    trained = load_file(run.directory / "model" / "model.safetensors")
    found = weights_of(build(run.directory / "adapter"))
    assert all(torch.allclose(weight, trained[name], atol=1e-6) for name, weight in found.items())
    assert not torch.equal(found[QUERY], load_file(tmp_path / "base" / "model.safetensors")[QUERY])


def save_adapter_with_a_token(base: Path, folder: Path, **settings: Any) -> torch.Tensor:
    """Save an adapter to a model that got one more token, and return its embeddings."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.add_tokens(["unheardof"])
    model = AutoModelForSequenceClassification.from_pretrained(base)
    model.resize_token_embeddings(len(tokenizer))
    config = LoraConfig(target_modules=["query"], init_lora_weights=False, task_type="SEQ_CLS", **settings)
    adapted = get_peft_model(model, config)
    adapted.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    embeddings: torch.Tensor = adapted.merge_and_unload().get_input_embeddings().weight.detach().clone()
    return embeddings


@pytest.mark.parametrize("settings", [{}, {"modules_to_save": ["word_embeddings"]}], ids=["resized", "trained"])
def test_tokens_that_were_added_with_an_adapter_come_with_it(tmp_path: Path, settings: dict[str, Any]) -> None:
    base = save(tmp_path / "base")
    embeddings = save_adapter_with_a_token(base, tmp_path / "adapter", **settings)
    encoder = build(tmp_path / "adapter")
    assert torch.equal(encoder.model.get_input_embeddings().weight, embeddings)
    assert encoder.model.config.vocab_size == len(embeddings) == len(encoder.tokenizer)
    assert encoder.tokenizer.tokenize("unheardof") == ["unheardof"]


def test_tokens_without_their_embeddings_are_refused(tmp_path: Path) -> None:
    base = save(tmp_path / "base")
    save_adapter(base, tmp_path / "adapter")
    tokenizer = tiny_encoder().tokenizer
    tokenizer.add_tokens(["unheardof"])
    tokenizer.save_pretrained(tmp_path / "adapter")
    with pytest.raises(UsageError, match=r"tokens beyond the model's \d+ embeddings: 'unheardof'"):
        build(tmp_path / "adapter")


def test_an_adapter_whose_model_is_missing_is_refused_with_its_name(tmp_path: Path) -> None:
    base = save(tmp_path / "base")
    save_adapter(base, tmp_path / "adapter")
    shutil.rmtree(base)
    with pytest.raises(UsageError, match=f"there is no folder {base}"):
        build(tmp_path / "adapter")


def test_an_adapter_to_another_model_is_refused(tmp_path: Path) -> None:
    save_adapter(save(tmp_path / "base"), tmp_path / "adapter")
    shutil.rmtree(tmp_path / "base")
    save(tmp_path / "base", hidden_size=16)
    with pytest.raises(UsageError, match=r"(doesn't|don't) fit the model"):
        build(tmp_path / "adapter")


def test_an_adapter_without_peft_is_refused_with_the_line_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_adapter(save(tmp_path / "base"), tmp_path / "adapter")
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(UsageError, match=r'is an adapter to the model .*base, .*pip install "textclf-core\[lora\]"'):
        build(tmp_path / "adapter")


# What is refused before training: how a folder is damaged, and what the error says


def _pointer_weights(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(POINTER)


def _pointer_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").write_bytes(POINTER)


def _cut_weights(folder: Path) -> None:
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[: len(content) // 2])


def _empty_weights(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"")


def _cut_pickled_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    torch.save(tiny_encoder().model.state_dict(), folder / "pytorch_model.bin")
    content = (folder / "pytorch_model.bin").read_bytes()
    (folder / "pytorch_model.bin").write_bytes(content[: len(content) // 2])


def _without_weights(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "tf_model.h5")


def _without_a_shard(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    save_file({"a": torch.zeros(1)}, folder / "model-00001-of-00002.safetensors")


def _small_vocabulary(folder: Path) -> None:
    save(folder, vocab_size=60)


def _without_padding(folder: Path) -> None:
    tokenizer = tiny_encoder().tokenizer
    tokenizer.pad_token = None
    tokenizer.save_pretrained(folder)


def _own_code(folder: Path) -> None:
    update(folder / "config.json", model_type="mine", auto_map={"AutoConfig": "mine.C", "AutoModel": "mine.M"})
    (folder / "mine.py").write_text("raise SystemExit('the code of a checkpoint was run')\n")


def _unknown_family(folder: Path) -> None:
    update(folder / "config.json", model_type="brt")


def _without_family(folder: Path) -> None:
    (folder / "config.json").write_text("{}")


def _quantized(folder: Path) -> None:
    update(folder / "config.json", quantization_config={"quant_method": "bitsandbytes", "load_in_4bit": True})


def _tokenizer_with_code(folder: Path) -> None:
    update(
        folder / "tokenizer_config.json",
        tokenizer_class="MyTokenizer",
        auto_map={"AutoTokenizer": ["mine.MyTokenizer", None]},
    )
    (folder / "mine.py").write_text("raise SystemExit('the code of a checkpoint was run')\n")


def _broken_config(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "bert",')


def _without_config(folder: Path) -> None:
    (folder / "config.json").unlink()
    shutil.copytree(folder, folder / "checkpoint-500")
    (folder / "checkpoint-500" / "config.json").write_text("{}")


def _without_tokenizer(folder: Path) -> None:
    for path in folder.glob("*token*"):
        path.unlink()


DEFECTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "pointer for weights": (_pointer_weights, r"model\.safetensors is a pointer of Git LFS.*git lfs pull"),
    "pointer for tokenizer": (_pointer_tokenizer, r"tokenizer\.json is a pointer of Git LFS"),
    "weights cut short": (_cut_weights, r"model\.safetensors is cut short or damaged: .* bytes expected"),
    "empty weights": (_empty_weights, r"model\.safetensors is cut short or damaged: it has 0 bytes"),
    "pickled weights cut short": (_cut_pickled_weights, r"pytorch_model\.bin is cut short or damaged"),
    "no weights of PyTorch": (_without_weights, r"no weights that PyTorch reads, only .*tf_model\.h5"),
    "a shard missing": (_without_a_shard, r"lacks files of weights .*: model-00002-of-00002\.safetensors"),
    "tokens beyond the embeddings": (_small_vocabulary, r"tokens beyond the model's 60 embeddings: '.*' \(60\)"),
    "no padding token": (_without_padding, r"no padding token.* Choose one .*'\[SEP\]'.*pad_token=TOKEN"),
    "code of its own": (_own_code, r"'auto_map' in config\.json\), and textclf never runs code"),
    "quantized weights": (_quantized, r"are quantized \(bitsandbytes, in config\.json\)"),
    "an unknown family": (_unknown_family, r"no models of the family 'brt'.* Did you mean 'bert'\?"),
    "no family": (_without_family, r"names no family of models"),
    "a broken configuration": (_broken_config, r"config\.json isn't JSON"),
    "no configuration": (_without_config, r"it has no config\.json, .* Did you mean .*checkpoint-500\?"),
    "no tokenizer": (_without_tokenizer, r"has no tokenizer files"),
}


@pytest.mark.parametrize(("damage", "message"), DEFECTS.values(), ids=DEFECTS)
def test_a_defect_is_one_line_without_advice_to_run_code(
    tmp_path: Path, damage: Callable[[Path], None], message: str
) -> None:
    damage(save(tmp_path))
    with pytest.raises(UsageError, match=message) as error:
        HfModel(checkpoint=str(tmp_path)).textclf_check_options("whole")
    assert len(str(error.value).splitlines()) == 1
    assert "trust_remote_code" not in str(error.value)


def test_a_command_ends_with_code_2_before_the_data_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _pointer_weights(save(tmp_path / "tiny"))
    words = ["--plugin", f"hf-model:checkpoint={tmp_path / 'tiny'}", "--plugin", "files:path=nowhere.csv"]
    assert main(["run", *words, "--output", str(tmp_path / "runs")]) == 2
    assert "is a pointer of Git LFS" in capsys.readouterr().err


def test_a_comparison_is_refused_with_the_faults_of_all_contenders_before_it_trains(tmp_path: Path) -> None:
    _cut_weights(save(tmp_path / "cut"))
    _own_code(save(tmp_path / "own"))
    tries = [f"hf-model:checkpoint={tmp_path / name} + head-only" for name in ("cut", "own")]
    with pytest.raises(UsageError, match=r"(?s)cut short.*never runs code"):
        textclf_core.compare(tries, data=tiny_data(), output=tmp_path / "runs", quiet=True)
    assert not list(tmp_path.glob("runs/*/record.json"))


class _Code:
    """A value whose pickle runs code."""

    def __reduce__(self) -> tuple[Any, ...]:
        return sys.exit, ("the code of a checkpoint was run",)


def _weights_with_code(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    torch.save({"a": _Code()}, folder / "pytorch_model.bin")


def _weights_of_another_family(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    tiny_encoder(family="roberta").model.save_pretrained(folder / "other")
    (folder / "other" / "model.safetensors").rename(folder / "model.safetensors")


def _weights_that_are_no_numbers(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    weights[QUERY][0, 0] = float("nan")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def _config_of_another_size(folder: Path) -> None:
    update(folder / "config.json", intermediate_size=16)


DEFECTS_OF_WEIGHTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "weights with code": (_weights_with_code, r"its weights hold more than tensors, which only running code"),
    "weights of another family": (_weights_of_another_family, r"lacks weights of the model's body.* bert model\?"),
    "weights that aren't numbers": (_weights_that_are_no_numbers, r"aren't finite numbers: .*query\.weight"),
    "a configuration of another size": (_config_of_another_size, r"or has them in another shape"),
}


@pytest.mark.parametrize(("damage", "message"), DEFECTS_OF_WEIGHTS.values(), ids=DEFECTS_OF_WEIGHTS)
def test_a_defect_of_the_weights_is_one_line_where_they_are_loaded(
    tmp_path: Path, damage: Callable[[Path], None], message: str
) -> None:
    damage(save(tmp_path))
    with pytest.raises(UsageError, match=message) as error:
        build(tmp_path)
    assert len(str(error.value).splitlines()) == 1
    assert "trust_remote_code" not in str(error.value)


def test_code_of_a_tokenizer_is_never_run(tmp_path: Path) -> None:
    _tokenizer_with_code(save(tmp_path))
    assert build(tmp_path).family == "bert"


def test_code_beside_a_known_family_is_ignored(tmp_path: Path) -> None:
    update(save(tmp_path) / "config.json", auto_map={"AutoConfig": "mine.C"})
    (tmp_path / "mine.py").write_text("raise SystemExit('the code of a checkpoint was run')\n")
    assert build(tmp_path).family == "bert"


def test_an_encoder_that_reads_like_a_decoder_is_refused(tmp_path: Path) -> None:
    update(save(tmp_path) / "config.json", is_decoder=True)
    with pytest.raises(UsageError, match="has is_decoder=true: each token would see only those before it"):
        build(tmp_path)


def test_an_address_on_the_hub_is_answered_with_the_models_name() -> None:
    with pytest.raises(UsageError, match=r"is an address\. Give the model's name: google/mobilebert-uncased\."):
        HfModel(checkpoint="https://huggingface.co/google/mobilebert-uncased").textclf_check_options("whole")


def test_token_types_that_the_model_lacks_are_refused_where_the_task_needs_them(tmp_path: Path) -> None:
    save(tmp_path, type_vocab_size=1)
    assert build(tmp_path, TASK).num_blocks == 2
    with pytest.raises(
        UsageError, match=r"token types from 0 to 1 to 2 texts in a row, but the model has 1 token type\."
    ):
        build(tmp_path, PAIR)


def test_a_tokenizer_that_needs_sentencepiece_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _without_tokenizer(save(tmp_path, "xlm-roberta"))
    (tmp_path / "sentencepiece.bpe.model").write_bytes(b"a model of sentencepiece")
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    with pytest.raises(UsageError, match=r'needs sentencepiece: pip install "textclf-core\[sentencepiece\]"'):
        build(tmp_path)


def test_a_file_is_answered_with_its_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"is a file. Give the folder of the model: {tmp_path}"):
        build(save(tmp_path) / "model.safetensors")


def test_a_folder_with_a_typing_error_is_answered_with_the_nearest(tmp_path: Path) -> None:
    save(tmp_path / "sentiment")
    with pytest.raises(UsageError, match=r"Did you mean 'sentiment'\?"):
        build(tmp_path / "sentimnt")


@pytest.mark.parametrize("family", ["roberta", "distilbert", "electra", "mpnet", "albert", "deberta-v2", "modernbert"])
def test_a_sound_checkpoint_of_any_family_passes(tmp_path: Path, family: str) -> None:
    assert build(save(tmp_path, family)).family == family


def test_a_folder_without_the_vocabulary_of_its_tokenizer_is_refused(tmp_path: Path) -> None:
    (save(tmp_path) / "tokenizer.json").unlink()
    with pytest.raises(UsageError, match=r"neither a tokenizer\.json nor the vocabulary of its tokenizer"):
        build(tmp_path)


def test_weights_of_blocks_that_the_configuration_lacks_are_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    update(save(tmp_path) / "config.json", num_hidden_layers=1)
    build(tmp_path)
    assert "no place for: bert.encoder.layer.1.attention" in caplog.text


def test_a_model_of_few_positions_trains(tmp_path: Path) -> None:
    folder = save(tmp_path / "tiny", max_position_embeddings=10)
    rows = [(f"a text of many words that are cut {number}", "ab"[number % 2]) for number in range(40)]
    run = textclf_core.run(
        [f"hf-model:checkpoint={folder}", "head-only", "finetune:epochs=1"], data=rows, output=tmp_path, quiet=True
    )
    assert run.record.cost.train_flops
