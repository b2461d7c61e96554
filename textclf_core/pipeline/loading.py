"""Loading the data of a run; without torch, so that data can be looked at in seconds."""

from __future__ import annotations

from textclf_core.data import PreparedData, prepare
from textclf_core.pipeline.spec import RunSpec
from textclf_core.plugins import ActivePlugins
from textclf_core.plugins.calling import call


def prepared_data(spec: RunSpec) -> PreparedData:
    """Return the data of a run, checked and split."""
    if spec.data is None:
        return load_data(spec.plugins, spec.data_seed)
    data = spec.data.data
    return data if isinstance(data, PreparedData) else prepare(data, spec.data_seed)


def load_data(plugins: ActivePlugins, data_seed: int) -> PreparedData:
    """Load the dataset plugin's data and prepare them.

    Raises:
        DataError: they can't be loaded or used.
    """
    return prepare(call(plugins, "textclf_load_data", data_seed=data_seed), data_seed)
