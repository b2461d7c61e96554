"""Shell completion, asked as the shells' scripts ask it."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.fixture
def complete(
    textclf: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., list[str]]:
    """Returns what bash is offered for words, of which it divides the last at colons and equals signs."""

    def run(*words: str) -> list[str]:
        monkeypatch.setenv("_TEXTCLF_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", "\n".join(("textclf", *words)))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        textclf()
        return capsys.readouterr().out.split()

    return run


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("run", "--plugin", "freeze-f"), ["freeze-first-n"]),
        (("compare", "--try", "freeze-f"), ["freeze-first-n"]),
        (("run", "--plugin", "freeze-first-n", ":"), ["n=", "embeddings="]),
        (("run", "--plugin", "freeze-first-n", ":", "em"), ["embeddings="]),
        (("run", "--plugin", "freeze-first-n", ":", "n", "=", "4,e"), ["4,embeddings="]),
        (("run", "--plugin", "precision-recall", ":", "average", "=", "m"), ["macro", "micro"]),
        (("plugins", "show", "freeze-f"), ["freeze-first-n"]),
        (("run", "--plugin", "onn"), []),
        (("run", "--plugin", "slu"), []),
        (("compare", "--executor", "slu"), ["slurm"]),
        (("compare", "--executor", "freeze-f"), []),
        (("predict", "runs/1", "--engine", "t"), ["torch"]),
        (("predict", "runs/1", "--engine", "o"), ["onnx", "onnx-int8"]),
        (("predict", "runs/1", "--engine", "onnx", ":"), ["opset="]),
        (("export", "runs/1", "folder", "--format", "o"), ["onnx", "onnx-int8"]),
    ],
)
def test_plugins_and_their_options_are_offered(
    complete: Callable[..., list[str]], words: tuple[str, ...], offered: list[str]
) -> None:
    assert complete(*words) == offered


def test_other_shells_replace_the_whole_word(
    textclf: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_TEXTCLF_COMPLETE", "complete_fish")
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", "textclf run --plugin freeze-first-n:e")
    textclf()
    assert capsys.readouterr().out.split() == ["freeze-first-n:embeddings="]
