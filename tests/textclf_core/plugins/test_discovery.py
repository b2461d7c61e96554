"""Which plugins there are."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import textclf_core
from textclf_core.errors import PluginError, UsageError
from textclf_core.plugins import Catalogue, activate
from textclf_core.testing import tiny_data

Install = Callable[..., Path]
PluginFile = Callable[..., Path]

STRATEGY = """
    from dataclasses import dataclass
    from textclf_core.hookspecs import hookimpl

    @dataclass(frozen=True)
    class Every:
        '''Freeze every block.'''

        @hookimpl
        def textclf_freeze(self, encoder):
            encoder.freeze(body=True)
"""


def error_of(catalogue: Catalogue, name: str) -> str:
    [error] = [item.error for item in catalogue.listing() if item.entry.name == name]
    assert error is not None
    return error


# What there is


def test_a_plugin_of_an_installed_package_is_found_by_name(install: Install) -> None:
    install("acme-freezing", STRATEGY, {"every": "Every"}, version="2.1")
    plugin = Catalogue.discover().get("every")
    assert (plugin.entry.distribution, plugin.entry.version) == ("acme-freezing", "2.1")
    assert (plugin.roles, plugin.summary) == (("strategy",), "Freeze every block.")


def test_a_package_is_not_imported_before_its_plugin_is_asked_for(install: Install) -> None:
    install("acme-lazy", STRATEGY, {"every": "Every"})
    catalogue = Catalogue.discover()
    catalogue.get("full")
    assert "acme_lazy" not in sys.modules
    catalogue.get("every")
    assert "acme_lazy" in sys.modules


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("import no_such_library\n", "ModuleNotFoundError: No module named 'no_such_library' (FILE:1)"),
        ("x = 1\ndef broken(:\n", "SyntaxError: invalid syntax (FILE:2)"),
        ("import sys\nsys.exit(3)\n", "SystemExit: 3 (FILE:2)"),
    ],
)
def test_a_package_that_fails_on_import_is_listed_with_its_error(install: Install, source: str, error: str) -> None:
    folder = install("acme-broken", source, {"broken": "Broken"})
    catalogue = Catalogue.discover()
    expected = error.replace("FILE", str(folder / "acme_broken.py"))
    assert error_of(catalogue, "broken") == f"The plugin 'broken' of acme-broken 1.2 can't be imported: {expected}"
    assert catalogue.get("full").roles == ("strategy",)


def test_a_plugin_that_fails_on_import_and_is_asked_for_ends_in_that_error(install: Install) -> None:
    install("acme-broken", "import no_such_library\n", {"broken": "Broken"})
    with pytest.raises(PluginError, match=r"'broken' of acme-broken 1.2 can't be imported.*no_such_library"):
        activate(["broken"], Catalogue.discover())


def test_a_class_that_is_not_in_the_module_is_an_error_of_that_plugin(install: Install) -> None:
    install("acme-broken", STRATEGY, {"broken": "Evry"})
    with pytest.raises(PluginError, match=r"has no attribute 'Evry'"):
        Catalogue.discover().get("broken")


def test_what_is_not_a_class_is_no_plugin(install: Install) -> None:
    install("acme-broken", "PLUGIN = 4\n", {"broken": "PLUGIN"})
    with pytest.raises(PluginError, match=r"'broken' of acme-broken 1.2 must be a class, not 4"):
        Catalogue.discover().get("broken")


METHOD = """
    from dataclasses import dataclass
    from textclf_core.hookspecs import hookimpl
    @dataclass(frozen=True)
    class Strange:
        {}
"""


@pytest.mark.parametrize(
    ("method", "error"),
    [
        (
            "@hookimpl\n        def textclf_frezee(self, encoder): ...",
            r"the hook 'textclf_frezee' \(.*acme_strange\.py:6\), which this textclf doesn't have\. "
            r"Did you mean 'textclf_freeze'\? If the name is right, it needs a newer textclf\.",
        ),
        (
            "@hookimpl\n        def textclf_freeze(self, encodr): ...",
            r"textclf_freeze \(.*acme_strange\.py:6\) takes the argument 'encodr', "
            r"which this textclf doesn't pass\. "
            r"Did you mean 'encoder'\? It passes encoder\.",
        ),
        (
            "@hookimpl\n        def textclf_freeze(self, encoder, depth=3): ...",
            "takes the argument 'depth', which this textclf doesn't pass",
        ),
        (
            "@hookimpl\n        def textclf_freeze(self, encoder=None): ...",
            "must take 'encoder' as a plain argument without a default",
        ),
        (
            "@hookimpl\n        def textclf_freeze(self, *, encoder): ...",
            "must take 'encoder' as a plain argument without a default",
        ),
        ("def textclf_freeze(self, encoder): ...", "textclf_freeze .* lacks @hookimpl"),
        ("def freeze(self, encoder): ...", "Strange implements no hook"),
    ],
)
def test_hooks_that_this_version_cannot_call_are_refused(install: Install, method: str, error: str) -> None:
    install("acme-strange", METHOD.format(method), {"strange": "Strange"})
    with pytest.raises(PluginError, match=f"'strange' of acme-strange 1.2 can't be used: .*{error}"):
        Catalogue.discover().get("strange")


def test_a_plugin_takes_just_the_arguments_that_it_needs(install: Install) -> None:
    install(
        "acme-metric",
        """
        from dataclasses import dataclass
        from textclf_core.hookspecs import hookimpl

        @dataclass(frozen=True)
        class Size:
            @hookimpl
            def textclf_compute_metrics(self, references):
                return {"size": len(references)}
        """,
        {"size": "Size"},
    )
    plugins = activate(["size"], Catalogue.discover())
    results = plugins.hook.textclf_compute_metrics(references=[1, 2], predictions=[], scores=[], task=None)
    assert results == [{"size": 2}]


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(
        UsageError, match=r"no plugin 'freeze-fist-n'\. Did you mean 'freeze-first-n'\? `textclf plugins` lists"
    ):
        Catalogue.discover().get("freeze-fist-n")


def test_a_name_that_two_distributions_give_is_refused_with_both(install: Install) -> None:
    install("acme-one", STRATEGY, {"every": "Every"})
    install("acme-two", STRATEGY, {"every": "Every"})
    catalogue = Catalogue.discover()
    assert [entry.distribution for entry in catalogue.entries if entry.name == "every"] == ["acme-one", "acme-two"]
    with pytest.raises(UsageError, match=r"Two plugins have the name 'every': those of acme-one 1.2 and acme-two 1.2"):
        catalogue.get("every")


def test_plugins_of_one_name_are_distinguished_by_their_distribution(install: Install) -> None:
    install("acme-one", STRATEGY, {"every": "Every"})
    install("acme-two", STRATEGY, {"every": "Every"})
    catalogue = Catalogue.discover()
    assert catalogue.get("Acme_Two/every").entry.distribution == "acme-two"
    with pytest.raises(UsageError, match=r"Write acme-one/every or acme-two/every\."):
        catalogue.get("every")
    [plugin] = activate(["acme-one/every"], catalogue).of_role("strategy")
    assert (plugin.name, plugin.distribution) == ("every", "acme-one")


def test_a_new_built_in_plugin_takes_no_ones_name(install: Install) -> None:
    """A command with the other's name goes on to mean it, and the defaults are still built-in plugins."""
    trainer = STRATEGY.replace("textclf_freeze(self, encoder)", "textclf_train(self)").replace(
        "encoder.freeze(body=True)", "return None"
    )
    install("acme-training", trainer, {"finetune": "Every"})
    install("acme-freezing", STRATEGY, {"full": "Every"})
    catalogue = Catalogue.discover()
    assert catalogue.get("full").entry.distribution == "acme-freezing"
    assert catalogue.get("textclf-core/full").entry.distribution == "textclf-core"
    active = {plugin.roles[0]: plugin for plugin in activate(["full"], catalogue)}
    assert (active["strategy"].name, active["strategy"].distribution) == ("full", "acme-freezing")
    assert (active["trainer"].name, active["trainer"].distribution) == ("finetune", "textclf-core")
    [own] = activate(["textclf-core/full"], catalogue).of_role("strategy")
    assert own.distribution == "textclf-core"


def test_a_model_is_loaded_by_the_distribution_that_saved_it(
    install: Install, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    run = textclf_core.run(
        [f"hf-model:checkpoint={tiny_checkpoint}", "finetune:epochs=1"], data=tiny_data(16), output=tmp_path, quiet=True
    )
    install("acme-training", STRATEGY, {"finetune": "Every", "hf-model": "Every"})
    assert [row["prediction"] for row in run.predict(["dull", "bright"])]


# The allow-list


def test_the_allow_list_keeps_other_packages_from_being_imported(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("acme-kept", STRATEGY, {"kept": "Every"})
    install("acme-out", STRATEGY, {"out": "Every"})
    monkeypatch.setenv("TEXTCLF_PLUGINS", "Acme_Kept,something-else")
    catalogue = Catalogue.discover()
    assert "excludes the plugin 'out' of acme-out 1.2" in error_of(catalogue, "out")
    assert catalogue.get("kept").roles == ("strategy",)
    assert "acme_out" not in sys.modules
    with pytest.raises(
        UsageError, match=r"TEXTCLF_PLUGINS excludes the plugin 'out' of acme-out 1.2.* add out or acme-out"
    ):
        catalogue.get("out")


def test_the_allow_list_takes_plugin_names(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    install("acme-two", STRATEGY, {"one": "Every", "two": "Every"})
    monkeypatch.setenv("TEXTCLF_PLUGINS", "two")
    excluded = [entry.name for entry in Catalogue.discover().entries if entry.excluded]
    assert excluded == ["one"]


def test_an_empty_allow_list_leaves_the_built_in_plugins(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    install("acme-out", STRATEGY, {"out": "Every"})
    monkeypatch.setenv("TEXTCLF_PLUGINS", "")
    usable = [entry for entry in Catalogue.discover().entries if not entry.excluded]
    assert {entry.distribution for entry in usable} == {"textclf-core"}


def test_the_allow_list_decides_between_two_of_one_name(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    install("acme-one", STRATEGY, {"every": "Every"})
    install("acme-two", STRATEGY, {"every": "Every"})
    monkeypatch.setenv("TEXTCLF_PLUGINS", "acme-two")
    assert Catalogue.discover().get("every").entry.distribution == "acme-two"


# Plugin files

EVERY_SECOND = """
@dataclass(frozen=True)
class FreezeEverySecond:
    '''Freeze every second block.'''
    first: int = 0

    @hookimpl
    def textclf_freeze(self, encoder):
        encoder.freeze(blocks=range(self.first, encoder.num_blocks, 2))


class Helper:
    pass
"""


def test_the_classes_with_hooks_in_a_file_are_plugins(plugin_file: PluginFile) -> None:
    path = plugin_file(EVERY_SECOND)
    catalogue = Catalogue.discover([path])
    assert [entry.name for entry in catalogue.entries if entry.distribution == f"file {path}"] == [
        "freeze-every-second"
    ]
    [plugin] = [p for p in activate(["freeze-every-second:first=1"], catalogue) if p.chosen_by != "default"]
    assert (plugin.options, plugin.version) == ({"first": 1}, None)


def test_a_class_that_a_file_imports_is_not_its_plugin(plugin_file: PluginFile) -> None:
    path = plugin_file("from textclf_plugins.freezing.full import Full\n" + EVERY_SECOND)
    catalogue = Catalogue.discover([path])
    assert catalogue.get("full").entry.distribution == "textclf-core"


def test_a_plugin_file_may_postpone_its_annotations(tmp_path: Path) -> None:
    path = tmp_path / "later.py"
    source = "from dataclasses import dataclass\nfrom textclf_core.hookspecs import hookimpl\n" + EVERY_SECOND
    path.write_text("from __future__ import annotations\n" + source)
    plugins = activate(["freeze-every-second:first=3"], Catalogue.discover([path]))
    assert plugins.of_role("strategy")[0].options == {"first": 3}


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("def broken(:\n", r"SyntaxError: invalid syntax \(.*mine\.py:3\)"),
        ("raise RuntimeError('no luck')\n", r"RuntimeError: no luck \(.*mine\.py:3\)"),
        ("class Nothing: ...\n", "has no class with a method marked @hookimpl"),
    ],
)
def test_a_bad_plugin_file_ends_in_an_error_with_file_and_line(
    plugin_file: PluginFile, source: str, error: str
) -> None:
    path = plugin_file(source)
    with pytest.raises(PluginError, match=f"^The plugin file {re.escape(str(path))} .*{error}"):
        Catalogue.discover([path])


def test_a_plugin_file_runs_as_it_is_though_neither_its_size_nor_its_time_changed(
    plugin_file: PluginFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    for first in (1, 2):
        path = plugin_file(EVERY_SECOND.replace("first: int = 0", f"first: int = {first}"))
        os.utime(path, (1, 1))
        [plugin] = activate(["freeze-every-second"], Catalogue.discover([path])).of_role("strategy")
        assert plugin.instance.first == first


def test_a_plugin_file_that_is_not_there_is_named() -> None:
    with pytest.raises(UsageError, match=r"There is no plugin file .*nowhere\.py"):
        Catalogue.discover([Path("nowhere.py")])


def test_every_built_in_plugin_loads() -> None:
    broken = [
        item.error
        for item in Catalogue.discover().listing()
        if item.entry.distribution == "textclf-core" and item.error
    ]
    assert broken == []
