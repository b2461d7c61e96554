r"""The notation for a plugin with options: ``NAME`` or ``NAME:key=value,key=value``.

Only the first ``:`` ends the name and only the first ``=`` ends a key. A comma ends a value only if the name of
one of that plugin's options and ``=`` follow; every other character belongs to the value. So nothing needs quoting:

    files:path=a,b.csv,text=review
    hf-model:checkpoint=org/name@main
    freeze-pattern:pattern=layer\.(0|1)\.,?

A spec is parsed in two steps, because the second one needs the plugin: :func:`split_name`, then :func:`parse_options`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from textclf_core.errors import UsageError


@dataclass(frozen=True)
class PluginSpec:
    """A plugin's name, with values for some of its options.

    A value is text if it was typed, or a value of the option's type if it came from Python or from a file.
    """

    name: str
    options: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    set_by: str = "command line"
    """Where the spec comes from, for the record: ``"command line"``, ``"call"``, ``"default"``, or a file."""

    def __str__(self) -> str:
        return format_spec(self.name, self.options)


def format_spec(name: str, options: Mapping[str, object]) -> str:
    """Return the spec of a plugin as a user would type it: ``freeze-first-n:n=4``."""
    written = ",".join(f"{key}={format_value(value)}" for key, value in options.items())
    return f"{name}:{written}" if written else name


def format_value(value: object) -> str:
    """Return a value as a user would type it: ``true``, ``none``, or ``a,b`` for a list."""
    if isinstance(value, tuple | list):
        return ",".join(format_value(item) for item in value)
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return str(value)


def split_name(text: str) -> tuple[str, str]:
    """Return the name in a spec, and the text of its options (``""`` if there are none).

    Raises:
        UsageError: there is no name, or no text after the ``:``.
    """
    name, colon, options = text.partition(":")
    name = name.strip()
    if not name:
        raise UsageError(f"{text!r} has no plugin name; write NAME or NAME:key=value,key=value.")
    if colon and not options.strip():
        raise UsageError(f"{text!r}: no option follows the colon; write {name} or {name}:key=value,key=value.")
    return name, options


def parse_options(text: str, option_names: Collection[str], *, plugin: str) -> dict[str, str]:
    """Return the options in the text after ``plugin:``, as text, in order.

    A key that isn't in ``option_names`` is returned like the others; the check of the values refuses it and suggests
    the nearest right name.

    Raises:
        UsageError: a part isn't ``key=value``, or a key occurs twice.
    """
    if not text:
        return {}
    separator = ",(?=(?:{})=)".format("|".join(map(re.escape, option_names))) if option_names else "(?!)"
    values: dict[str, str] = {}
    for part in re.split(separator, text):
        key, equals, value = part.partition("=")
        key = key.strip()
        if not equals:
            takes = f"it takes {', '.join(option_names)}" if option_names else "it takes no options"
            raise UsageError(f"{plugin}:{text}: {part!r} is not key=value; {takes}.")
        if key in values:
            raise UsageError(f"{plugin}:{text}: option {key!r} is given twice.")
        values[key] = value
    return values
