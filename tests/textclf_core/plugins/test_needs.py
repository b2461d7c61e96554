"""A plugin declares its needs in its class, consistently with its hooks' arguments."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent, indent

import pytest

import textclf_core
from textclf_core import PluginError
from textclf_core.plugins import Catalogue

HEAD = "from typing import ClassVar\nfrom textclf_core import Needs, Recipe\n\n"


@pytest.fixture
def refusal(plugin_file: Callable[..., Path]) -> Callable[..., str]:
    """Returns why a class with these needs and hooks is refused."""

    def load(needs: str, *methods: str, base: str = "Recipe") -> str:
        hooks = "\n\n".join(f"@hookimpl\ndef {method}:\n    return None" for method in methods)
        declared = f"needs: ClassVar[Needs] = {needs}\n\n" if needs else ""
        body = indent(f"'''Do something.'''\n\n{declared}{hooks}\n", "    ")
        path = plugin_file(f"{HEAD}@dataclass(frozen=True, kw_only=True)\nclass Mine({base}):\n{body}")
        with pytest.raises(PluginError, match="'mine'") as error:
            Catalogue.discover([path]).get("mine")
        return str(error.value)

    return load


@pytest.mark.parametrize(
    ("argument", "instead"), [("recipe", r"inherit Recipe .* from self"), ("body", r'Needs\(model="headless"\)')]
)
def test_an_argument_that_is_gone_is_refused_with_what_to_write(
    argument: str, instead: str, refusal: Callable[..., str]
) -> None:
    message = refusal('Needs(model="whole")', f"textclf_train(self, encoder, {argument})")
    assert re.search(rf"textclf_train.*'{argument}'.*{instead}", message)


@pytest.mark.parametrize(
    ("needs", "methods", "why"),
    [
        ("", ["textclf_train(self, encoder)"], 'Needs(model="whole")'),
        ("Needs(model='whole')", ["textclf_train(self, data)"], "has no textclf_train that takes 'encoder'"),
        ("Needs(model='whole')", ["textclf_freeze(self, encoder)"], "has no textclf_train that takes 'encoder'"),
        ("Needs(model='whole')", ["textclf_train(self, encoder, plan)"], "write Needs(phases=True)"),
        ("Needs(model='whole', phases=True)", ["textclf_train(self, encoder)"], "that takes 'plan'"),
        ("Needs(model='half')", ["textclf_train(self, encoder)"], "'whole', 'headless', 'none', not 'half'"),
        ("3", ["textclf_train(self, data)"], "must be a Needs of textclf_core, not 3"),
        ("", ["textclf_interval_finished(self, gradient_norms)"], "write Needs(gradient_norms=True)"),
        ("Needs(gradient_norms=True)", ["textclf_interval_finished(self)"], "that takes 'gradient_norms'"),
    ],
)
def test_needs_that_do_not_fit_the_arguments_are_refused(
    needs: str, methods: list[str], why: str, refusal: Callable[..., str]
) -> None:
    assert why in refusal(needs, *methods)


@pytest.mark.parametrize(
    ("needs", "hooks", "idle"),
    [
        ("", ["textclf_train(self, data)", "textclf_freeze(self, encoder)"], "textclf_freeze"),
        ("", ["textclf_train(self, data)", "textclf_build_model(self, task)"], "textclf_build_model"),
        ("Needs(model='whole')", ["textclf_train(self, encoder)", "textclf_plan(self, recipe)"], "textclf_plan"),
    ],
)
def test_a_hook_that_its_own_training_never_calls_is_refused(
    needs: str, hooks: list[str], idle: str, refusal: Callable[..., str]
) -> None:
    assert f"{idle} would never be called" in refusal(needs, *hooks)


def test_phases_are_for_a_trainer_with_a_recipe(refusal: Callable[..., str]) -> None:
    needs = "Needs(model='whole', phases=True)"
    assert "inherit Recipe" in refusal(needs, "textclf_train(self, encoder, plan)", base="object")


TRAINER = HEAD + dedent(
    """
    import numpy as np

    class Even:
        def scores(self, data):
            return np.full((len(data), 2), 0.5, dtype=np.float32)

        def save(self, directory):
            pass

    @dataclass(frozen=True, kw_only=True)
    class Own(Recipe):
        '''Train by a recipe of its own.'''

        needs: ClassVar[Needs] = Needs(model="{model}")

        @hookimpl
        def textclf_train(self, encoder, seed):
            assert encoder.has_head == ({model!r} == "whole")
            assert (self.epochs, self.max_length) == (3, 17)
            encoder.model.base_model.pooler.dense.bias.data += 1
            if encoder.has_head:
                encoder.model.classifier.bias.data += 1
            return Even()

        @hookimpl
        def textclf_load_classifier(self, directory):
            return Even()
    """
)


@pytest.mark.parametrize("model", ["whole", "headless"])
def test_a_trainer_gets_the_model_that_it_needs_and_reads_its_recipe_from_itself(
    model: str, plugin_file: Callable[..., Path], tiny_checkpoint: Path, reviews: Path, tmp_path: Path
) -> None:
    run = textclf_core.run(
        [f"files:path={reviews}", f"hf-model:checkpoint={tiny_checkpoint}", "own:epochs=3,max_length=17"],
        plugin_files=[plugin_file(TRAINER.format(model=model))],
        output=tmp_path / "runs",
        quiet=True,
    )
    assert run.record.encoder is not None
