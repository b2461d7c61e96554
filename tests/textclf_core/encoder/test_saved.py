"""Saving and loading a model changes nothing but what it is for."""

from __future__ import annotations

from pathlib import Path

from transformers.utils import logging as transformers_logging

from textclf_core.testing import LABELS, tiny_encoder
from textclf_core.training.encoder_classifier import EncoderClassifier
from textclf_core.types.task import Task
from textclf_core.types.tokenization import Tokenization


def test_the_tokenizer_truncates_texts_after_saving_as_before(tmp_path: Path) -> None:
    """Only the saved one cuts them as the classifier does: whoever has the encoder may read other texts with it."""
    encoder = tiny_encoder()
    before = encoder.tokenizer.model_max_length, encoder.tokenizer.truncation_side
    classifier = EncoderClassifier(encoder, Task(LABELS), Tokenization(max_length=9, truncation="tail"))
    classifier.save(tmp_path)
    assert (encoder.tokenizer.model_max_length, encoder.tokenizer.truncation_side) == before
    assert EncoderClassifier.load(tmp_path, Task(LABELS), "cpu").encoder.tokenizer.model_max_length == 9


def test_the_bars_of_transformers_are_as_they_were_after_saving_and_loading(tmp_path: Path) -> None:
    """A notebook that wants them has them."""
    was = transformers_logging.is_progress_bar_enabled()
    transformers_logging.enable_progress_bar()
    try:
        EncoderClassifier(tiny_encoder(), Task(LABELS), Tokenization()).save(tmp_path)
        EncoderClassifier.load(tmp_path, Task(LABELS), "cpu")
        assert transformers_logging.is_progress_bar_enabled()
    finally:
        if not was:
            transformers_logging.disable_progress_bar()
