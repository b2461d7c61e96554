"""Publishing a model: its artifact with a model card, in a folder or on the hub."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from textclf_core.errors import UsageError
from textclf_core.inference.engines import find_exporter
from textclf_core.inference.exports import EXPORTS_DIRECTORY, add_export
from textclf_core.inference.store import load_model
from textclf_core.plugins import ActivePlugin, Catalogue
from textclf_core.records.remote_runs import fetch_model
from textclf_core.records.schema import CARD_FILE, CLASSIFIER_FILE, MODEL_DIRECTORY, read_record
from textclf_core.reports.model_card import model_card
from textclf_core.reports.stored import StoredRun
from textclf_core.storage.places import shown
from textclf_core.system.model_files import check_model_files

logger = logging.getLogger("textclf")


def export_run(
    run: Path,
    directory: Path,
    catalogue: Catalogue,
    *,
    format: str | None = None,
    push: str | None = None,
    private: bool = False,
) -> str | None:
    """Write a run's artifact and its model card into ``directory``, and optionally push both to the hub.

    Args:
        run: the run directory.
        directory: the folder to write, which must be empty or not exist; after an error it is unchanged.
        catalogue: the available plugins.
        format: the spec of an exporter, which also writes the model.
        push: the repository on the hub, ``owner/name``, which is created if it doesn't exist.
        private: whether a created repository is private.

    Returns:
        The address of the commit on the hub; ``None`` without ``push``.

    Raises:
        UsageError: the run or its model doesn't exist or isn't whole, the directory isn't empty, the exporter doesn't
            exist or doesn't support the model, or the hub can't be used.
        RunError: the model can't be exported.
    """
    fetch_model(run)
    record = read_record(run)
    if not (run / MODEL_DIRECTORY / CLASSIFIER_FILE).is_file():
        raise UsageError(f"{shown(run)} has no model to export (no {MODEL_DIRECTORY}/{CLASSIFIER_FILE}).")
    check_model_files(run / MODEL_DIRECTORY)
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise UsageError(f"{directory} isn't an empty folder; choose another one, or remove it.")
    if push:
        _check_hub(push)
    exporter = find_exporter(format, catalogue) if format else None
    directory.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=directory.parent, prefix=".", suffix=".partial") as place:
        partial = Path(place) / directory.name
        shutil.copytree(run / MODEL_DIRECTORY, partial)
        exported = _add_export(exporter, run, catalogue, partial) if exporter else ""
        card = model_card(StoredRun(run, record), push or directory.name, exported)
        (partial / CARD_FILE).write_text(card, encoding="utf-8")
        if directory.exists():
            directory.rmdir()
        partial.rename(directory)
    return _push(directory, push, private=private) if push else None


def _add_export(exporter: ActivePlugin, run: Path, catalogue: Catalogue, folder: Path) -> str:
    """Add what an exporter makes of a run's model to a folder; return what the model card says of it."""
    note = add_export(exporter, load_model(run, catalogue, "cpu"), folder)
    sentences = [f"`{EXPORTS_DIRECTORY}/{exporter.name}` has the model as the exporter `{exporter.spec}` writes it."]
    if note.agreement:
        logger.info("%s %s", exporter.name, note.agreement)
        sentences.append(f"It {note.agreement}.")
    if "engine" in exporter.roles:
        sentences.append(f"`textclf predict FOLDER --engine {exporter.spec}` computes with it.")
    return " ".join(sentences)


def _check_hub(repository: str) -> None:
    """Check, before anything is written, what the hub would otherwise refuse after minutes of uploading."""
    from huggingface_hub import get_token
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]  # it is there, but not in __all__

    from textclf_core.system.hub import why_unreachable

    try:
        validate_repo_id(repository)
    except HFValidationError as error:
        raise UsageError(f"--push {repository}: {error}") from error
    if repository.count("/") != 1:
        raise UsageError(
            f"--push {repository}: write OWNER/NAME; OWNER is your user name, or an organisation, on the hub."
        )
    if get_token() is None:
        raise UsageError("--push needs a token of the hub: run `hf auth login`, or set HF_TOKEN.")
    if reason := why_unreachable():
        raise UsageError(f"--push: the hub can't be reached: {reason}. Without --push, only the folder is written.")


def _push(directory: Path, repository: str, *, private: bool) -> str:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    api = HfApi()
    try:
        api.create_repo(repository, private=private, exist_ok=True)
        commit = api.upload_folder(
            repo_id=repository, folder_path=directory, commit_message="Add the model and its card (textclf export)"
        )
    except (HfHubHTTPError, OSError) as error:
        raise UsageError(
            f"--push {repository}: the upload to the hub failed: {str(error).strip()} The model is in {directory}; "
            f"to upload it again, run `hf upload {repository} {directory}`."
        ) from error
    return str(commit.commit_url)
