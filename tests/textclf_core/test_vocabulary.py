"""Words that have a standard term in their place are used nowhere: in code, tests, docs and messages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KINDS = {".py", ".md", ".toml", ".css", ".js", ".ini", ".ipynb"}
# Files about earlier versions use the earlier words, and this file lists them.
EXCEPT = {
    "CHANGELOG.md",
    "textclf_core/records/formats.py",
    "tests/textclf_core/records/test_formats.py",
    "tests/textclf_core/test_vocabulary.py",
}

# Each with the term that stands in its place.
GONE = {
    r"\bRoom\b|leave_record": "run context, write the record",
    r"run_together|trained?_together": "joint training",
    r"(?<!of )\b[cC]ourses?\b": "training session",
    r"\b[bB]ill(s|ed)?\b|BillLine|keep_expected|kept_expected": "cost estimate, pilot run",
    r"\bBoard\b|standings|closely": "live view; leaderboard, details",
    r"\bcarv(e|es|ed|ing)\b": "hold out, held out",
    r"[yY]ardstick": "baseline",
    r"[hH]andover": "publish",
    r"\bMovement\b": "parameter updates",
    r"\bWanted\b|\bListed\b": "ReportOptions, PluginListing",
    r"of_sets\b|task_of_words": "is_multilabel, is_token_task",
    r"\bAnswers\b|answers_from|answers_of|NO_ANSWER": "decisions",
    r"\bMoments\b|moments_of|restore_moments": "optimizer state",
    r"real_tokens|real tokens": "non-padding tokens",
    r"GivingBack|give_back": "heap trimming",
    r"why_not|[cC]an.t do with": "check_task: the reason why not, or None; does not support",
    r"have_a_say|has_a_say|useless_roles": "plans_training, inert_roles",
    r"\bhourly\b": "price per hour",
    r"def test_\w*_(told|said|tells|says_so)(_|\b)": "logged, reported, shown, noted",
    r"\b(and|which) (is|are) (said|told)\b|\btold apart\b|\btells? of\b": "logged; distinguished; describes",
    r"\ban? (row|line|text|label|word|file|cell|run|epoch) an? (row|line|text|label|word|epoch|run|seed)\b": (
        "one row per label"
    ),
    r"tell_observers|tell_shared": "notify_observers, warn of shared blocks",
    r"SENTENCE_METRICS|class _?Sentence\b": "SEQUENCE_METRICS, sequence",
    r"kept_out\b": "excluded",
    r"_left_out_and\b|_is_heard\b": "excluded; counts",
    r"invented (answers|scores|values)": "generated",
}


def files() -> list[Path]:
    """Return the project's own texts."""
    places = ["textclf_core", "plugins", "tests", "docs", "examples"]
    found = [path for place in places for path in (ROOT / place).rglob("*") if path.suffix in KINDS]
    found += [path for path in ROOT.iterdir() if path.suffix in KINDS]
    made = {"_build", "_generated", "__pycache__", ".ipynb_checkpoints"}
    return [path for path in found if made.isdisjoint(path.parts) and str(path.relative_to(ROOT)) not in EXCEPT]


@pytest.mark.parametrize(("word", "term"), GONE.items(), ids=GONE.values())
def test_the_standard_term_stands_in_its_place(word: str, term: str) -> None:
    pattern = re.compile(word)
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in files()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if pattern.search(line)
    ]
    assert not found, f"write {term!r}:\n" + "\n".join(found)


def test_a_word_that_is_gone_would_be_found() -> None:
    """The patterns find what they are for, and leave ordinary English alone."""
    assert re.search(list(GONE)[2], "class Course:")
    assert not re.search(list(GONE)[2], "of course")
    assert not re.search(list(GONE)[3], "a linear probe")
    [per] = [word for word, term in GONE.items() if term == "one row per label"]
    assert re.search(per, "int64, (labels, labels), a line a label")
    assert not re.search(per, "a row or a label")
