"""Loading the data of a run; without torch, so that data can be looked at in seconds."""

from __future__ import annotations

from dataclasses import replace

from textclf_core.data import PreparedData, prepare
from textclf_core.pipeline.spec import RunSpec
from textclf_core.plugins import ActivePlugins, check_options
from textclf_core.plugins.calling import call


def prepared_data(spec: RunSpec) -> PreparedData:
    """Return the data of a run, checked and split, after the plugins have checked their options.

    Raises:
        UsageError: a plugin can't be used with its options.
        DataError: the data can't be loaded or used.
    """
    if spec.data is not None and isinstance(spec.data.data, PreparedData):
        return spec.data.data  # of a comparison, which has checked the options of all contenders
    check_options([spec.plugins])
    return load_data(spec.plugins, spec.data_seed) if spec.data is None else prepare(spec.data.data, spec.data_seed)


def load_data(plugins: ActivePlugins, data_seed: int) -> PreparedData:
    """Load the dataset plugin's data and prepare them.

    If the plugin doesn't describe them, the plugin with its options is their source.

    Raises:
        DataError: they can't be loaded or used.
    """
    prepared = prepare(call(plugins, "textclf_load_data", data_seed=data_seed), data_seed)
    if prepared.record.source:
        return prepared
    source = " + ".join(dataset.spec for dataset in plugins.of_role("dataset"))
    return replace(prepared, record=replace(prepared.record, source=source))
