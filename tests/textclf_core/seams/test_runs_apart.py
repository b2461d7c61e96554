"""A run leaves nothing behind but its outcome: no notes in another's record, no setting of the process."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from accelerate.state import AcceleratorState, PartialState
from transformers.utils import logging as transformers_logging

from textclf_core import Run

TALKERS = """
import logging, time
import textclf_core

@dataclass(frozen=True)
class Talker:
    '''Say a word.'''

    word: str = "hello"

    @hookimpl
    def textclf_compute_metrics(self, references):
        logging.getLogger("textclf").info("said %s", self.word)
        time.sleep(0.3)  # while the other run says its word
        return {"spoken": 1.0}

@dataclass(frozen=True)
class Scout:
    '''Try something on a small run of its own before the model is trained.'''

    data: str

    @hookimpl
    def textclf_adapt(self, workspace):
        run = textclf_core.run(
            [f"files:path={self.data}", "majority", "talker:word=inner"],
            plugin_files=[__file__], output=workspace.directory.parent.parent / "inner", quiet=True,
        )
        logging.getLogger("textclf").info("the scout's run is done")
        return {"inner": ", ".join(run.record.notes)}
"""


def test_two_runs_at_a_time_have_notes_of_their_own(
    run: Callable[..., Run], plugin_file: Callable[..., Path], reviews: Path
) -> None:
    """Two threads, two runs: what a plugin of one says isn't in the record of the other."""
    file = plugin_file(TALKERS)

    def one(word: str, seed: int) -> Run:
        return run("majority", f"talker:word={word}", file=file, beside=[f"files:path={reviews}"], seed=seed)

    with ThreadPoolExecutor(2) as pool:
        done = [given.result() for given in [pool.submit(one, "left", 1), pool.submit(one, "right", 2)]]
    assert [one.record.notes for one in done] == [("said left",), ("said right",)]


def test_a_run_within_a_run_keeps_its_notes(
    run: Callable[..., Run], plugin_file: Callable[..., Path], reviews: Path
) -> None:
    """A strategy may try something in a run of its own: its notes are in that run's record, not in the outer one's."""
    record = run(f"scout:data={reviews}", file=plugin_file(TALKERS)).record
    [adaptation] = record.adaptations
    assert adaptation.facts == {"inner": "said inner"}
    assert "the scout's run is done" in record.notes
    assert "said inner" not in record.notes


@pytest.fixture
def process() -> Iterator[None]:
    """A process in which somebody has set things, put back after the test."""
    limit, bar = csv.field_size_limit(), transformers_logging.is_progress_bar_enabled()
    transformers_logging.enable_progress_bar()
    csv.field_size_limit(54_321)
    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)
    csv.field_size_limit(limit)
    if not bar:
        transformers_logging.disable_progress_bar()


SETTINGS: dict[str, Callable[[], object]] = {
    "the progress bars of transformers": transformers_logging.is_progress_bar_enabled,
    "the longest field of csv": csv.field_size_limit,
    "accelerate's device": lambda: dict(PartialState._shared_state),
}


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_a_setting_of_the_process_is_put_back(
    setting: Callable[[], object], process: None, run: Callable[..., Run]
) -> None:
    """A notebook that calls run() finds its libraries as it left them."""
    before = setting()
    run()
    assert setting() == before


def test_saving_leaves_the_tokenizer_as_it_was(
    run: Callable[..., Run], noting_file: Callable[[str], Path], reviews: Path, log: Callable[[], list[str]]
) -> None:
    """What is saved says how texts are read; the plugin that handed the tokenizer over finds it unchanged."""
    file = noting_file(
        """
        from textclf_core.testing import tiny_encoder

        TOKENIZERS = []

        def say():
            note(TOKENIZERS[-1].model_max_length, TOKENIZERS[-1].truncation_side)

        @dataclass(frozen=True)
        class Lent:
            '''Hand over a model, and look at its tokenizer again when the run is done.'''

            @hookimpl
            def textclf_build_model(self, task):
                encoder = tiny_encoder(labels=task.label_names)
                TOKENIZERS.append(encoder.tokenizer)
                say()
                return encoder

            @hookimpl
            def textclf_run_finished(self, record):
                say()
        """
    )
    run("lent", "finetune:max_length=8,truncation=tail", file=file, beside=[f"files:path={reviews}"])
    before, after = log()
    assert after == before
