"""Which plugins a run has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from textclf_core import hookspecs
from textclf_core.errors import UsageError
from textclf_core.plugins import ActivePlugins, Catalogue, activate, override, suited
from textclf_core.plugins.specs import PluginSpec
from textclf_core.types.data import DataRecord

PluginFile = Callable[..., Path]


def data_of(*labels: str, kind: str = "single-label") -> DataRecord:
    return DataRecord(source="", fingerprint="", task_kind=kind, label_names=labels, text_columns=("text",), splits=())


def names(plugins: ActivePlugins) -> list[str]:
    return [plugin.name for plugin in plugins]


def test_roles_that_nobody_chose_take_their_defaults() -> None:
    plugins = activate([], Catalogue.discover())
    assert sorted(names(plugins)) == [
        "accuracy",
        "bert-base-cased",
        "entity-f1",
        "f1",
        "finetune",
        "full",
        "rotten-tomatoes",
    ]
    assert {plugin.chosen_by for plugin in plugins} == {"default"}


def test_a_choice_takes_the_place_of_the_default() -> None:
    plugins = activate(["minilm", "head-only", "mcc"], Catalogue.discover())
    assert names(plugins)[:3] == ["minilm", "head-only", "mcc"]
    assert sorted(names(plugins)[3:]) == ["finetune", "rotten-tomatoes"]


def test_f1_comes_before_accuracy_by_default() -> None:
    metrics = activate([], Catalogue.discover()).of_role("metric")
    assert [plugin.name for plugin in metrics] == ["f1", "entity-f1", "accuracy"]


def test_metrics_that_nobody_chose_are_left_out_where_they_cant_do_with_the_task() -> None:
    texts, words = data_of("bad", "good"), data_of("O", "B-person", kind="tokens")
    plugins = activate(["minilm"], Catalogue.discover())
    assert [plugin.name for plugin in suited(plugins, texts).of_role("metric")] == ["f1", "accuracy"]
    assert [plugin.name for plugin in suited(plugins, words).of_role("metric")] == ["entity-f1", "accuracy"]


def test_what_was_chosen_and_cant_do_with_the_task_is_refused_with_its_reason() -> None:
    plugins = activate(["tfidf-logreg", "mcc"], Catalogue.discover())
    with pytest.raises(UsageError, match=r"tfidf-logreg: it labels whole texts.*\.\nmcc: it scores whole texts.*\."):
        suited(plugins, data_of("O", "B-person", kind="tokens"))


def test_a_plugin_keeps_its_options_and_who_set_each() -> None:
    specs: list[str | PluginSpec] = [
        "freeze-first-n:n=0.5",
        PluginSpec("f1", {"average": "macro"}, set_by="file a.toml"),
    ]
    strategy, metric = list(activate(specs, Catalogue.discover()))[:2]
    assert strategy.options == {"n": 0.5, "embeddings": True}
    assert strategy.set_by == {"n": "command line", "embeddings": "default"}
    assert strategy.spec == "freeze-first-n:n=0.5"
    assert strategy.distribution == "textclf-core"
    assert (metric.set_by, metric.chosen_by) == ({"average": "file a.toml"}, "file a.toml")


def test_specs_from_python_are_set_by_the_call() -> None:
    [plugin, *_] = activate(["freeze-first-n:n=2"], Catalogue.discover(), set_by="call")
    assert (plugin.chosen_by, plugin.set_by["n"]) == ("call", "call")


@pytest.mark.parametrize(
    ("specs", "role"),
    [
        (["minilm", "bert-base-cased"], "model"),
        (["finetune", "hf-trainer"], "trainer"),
        (["files:path=a", "rotten-tomatoes"], "dataset"),
    ],
)
def test_two_of_an_exclusive_role_are_refused_by_name(specs: list[str], role: str) -> None:
    first, second = (spec.partition(":")[0] for spec in specs)
    with pytest.raises(UsageError, match=f"A run has one {role}, but '{first}' and '{second}' are given"):
        activate(specs, Catalogue.discover())


def test_strategies_may_be_several() -> None:
    plugins = activate(["freeze-embeddings", "freeze-last-n:n=1"], Catalogue.discover())
    assert [plugin.name for plugin in plugins.of_role("strategy")] == ["freeze-embeddings", "freeze-last-n"]


def test_one_plugin_twice_is_refused() -> None:
    with pytest.raises(UsageError, match=r"'freeze-first-n' is given twice"):
        activate(["freeze-first-n:n=1", "freeze-first-n:n=2"], Catalogue.discover())


def test_hooks_are_called_in_the_order_written(plugin_file: PluginFile) -> None:
    path = plugin_file(
        """
        @dataclass(frozen=True)
        class One:
            @hookimpl
            def textclf_freeze(self, encoder):
                encoder.append("one")

        @dataclass(frozen=True)
        class Two:
            @hookimpl
            def textclf_freeze(self, encoder):
                encoder.append("two")
        """
    )
    called: list[str] = []
    activate(["two", "one"], Catalogue.discover([path])).hook.textclf_freeze(encoder=called)
    assert called == ["two", "one"]


def test_two_runs_share_nothing() -> None:
    catalogue = Catalogue.discover()
    first = activate(["freeze-first-n:n=1"], catalogue)
    second = activate(["freeze-first-n:n=2"], catalogue)
    assert [plugins.of_role("strategy")[0].instance.n for plugins in (first, second)] == [1, 2]
    assert len(second.hook.textclf_freeze.get_hookimpls()) == 1


WITHOUT_ENCODER = """
@dataclass(frozen=True)
class AlwaysFirst:
    @hookimpl
    def textclf_train(self, data, task):
        return None
"""


def test_a_trainer_that_takes_no_encoder_gets_no_model_and_no_strategy(plugin_file: PluginFile) -> None:
    plugins = activate(["always-first"], Catalogue.discover([plugin_file(WITHOUT_ENCODER)]))
    assert sorted(names(plugins)) == ["accuracy", "always-first", "entity-f1", "f1", "rotten-tomatoes"]
    assert not plugins.needs_encoder
    assert plugins.one("model") is None


@pytest.mark.parametrize(("name", "role"), [("minilm", "model"), ("full", "strategy")])
def test_what_a_trainer_without_encoder_has_no_use_for_is_refused(
    plugin_file: PluginFile, name: str, role: str
) -> None:
    catalogue = Catalogue.discover([plugin_file(WITHOUT_ENCODER)])
    with pytest.raises(
        UsageError, match=f"'{name}' is a {role}, but the trainer 'always-first' trains without an encoder"
    ):
        activate([name, "always-first"], catalogue)


def test_a_trainer_that_takes_an_encoder_needs_one() -> None:
    plugins = activate([], Catalogue.discover())
    model = plugins.one("model")
    assert plugins.needs_encoder
    assert model is not None
    assert model.name == "bert-base-cased"


def test_a_role_that_a_run_has_no_use_for_gets_no_default() -> None:
    plugins = activate([], Catalogue.discover(), without=("dataset",))
    assert plugins.one("dataset") is None


def test_a_plugin_of_a_role_that_a_run_has_no_use_for_is_refused() -> None:
    with pytest.raises(UsageError, match=r"'rotten-tomatoes' is a dataset, but this run needs none"):
        activate(["rotten-tomatoes"], Catalogue.discover(), without=("dataset",))


def test_a_wrong_option_is_refused_by_plugin_and_name() -> None:
    with pytest.raises(UsageError, match=r"freeze-first-n: there is no option 'm'.*It takes n, embeddings"):
        activate(["freeze-first-n:m=4"], Catalogue.discover())


def test_wrong_options_of_all_plugins_are_reported_at_once() -> None:
    with pytest.raises(UsageError, match=r"(?s)freeze-first-n: there is no option 'm'.*\nf1: option 'average' takes"):
        activate(["freeze-first-n:m=4", "f1:average=x"], Catalogue.discover())


# A file with a command line on top of it


def test_a_plugin_chosen_on_top_takes_the_place_of_its_namesake() -> None:
    base = [PluginSpec("freeze-first-n", {"n": 4, "embeddings": False}, "file a.toml"), PluginSpec("mcc")]
    assert override(base, ["freeze-first-n:n=2"], Catalogue.discover()) == [
        PluginSpec("freeze-first-n", {"n": "2"}, "command line"),
        PluginSpec("mcc"),
    ]


def test_a_namesake_of_an_exclusive_role_keeps_its_place() -> None:
    base = [PluginSpec("finetune"), PluginSpec("full")]
    specs = override(base, ["finetune:epochs=2"], Catalogue.discover())
    assert [str(spec) for spec in specs] == ["finetune:epochs=2", "full"]


def test_a_plugin_chosen_on_top_takes_the_place_of_the_one_of_its_exclusive_role() -> None:
    base = [PluginSpec("bert-base-cased"), PluginSpec("full"), PluginSpec("f1")]
    specs = override(base, ["minilm", "freeze-embeddings"], Catalogue.discover())
    assert [spec.name for spec in specs] == ["full", "f1", "minilm", "freeze-embeddings"]


def test_a_plugin_chosen_twice_on_top_is_refused() -> None:
    with pytest.raises(UsageError, match="'full' is given twice"):
        override([PluginSpec("full")], ["full", "full"], Catalogue.discover())


def test_what_will_be_removed_is_logged_once_and_pytest_shows_it(
    plugin_file: PluginFile, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    spec: dict[str, object] = vars(hookspecs.textclf_freeze)["textclf_spec"]
    monkeypatch.setitem(spec, "warn_on_impl", DeprecationWarning("implement textclf_plan; it goes in 0.4"))
    arguments = {"encoder": DeprecationWarning("take 'model'; it goes in 0.4")}
    monkeypatch.setitem(spec, "warn_on_impl_args", arguments)
    path = plugin_file(
        """
        @dataclass(frozen=True)
        class Mine:
            '''Freezes nothing.'''

            @hookimpl
            def textclf_freeze(self, encoder):
                pass
        """
    )
    for _ in range(2):
        with pytest.warns(DeprecationWarning, match="implement textclf_plan; it goes in 0.4"):
            activate(["mine"], Catalogue.discover([path]))
    text = "The plugin 'mine' uses what will be removed from textclf: textclf_freeze"
    assert caplog.messages == [
        f"{text}: implement textclf_plan; it goes in 0.4",
        f"{text}, argument 'encoder': take 'model'; it goes in 0.4",
    ]
