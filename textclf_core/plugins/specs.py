r"""How a plugin and its options are written in one string: ``NAME`` or ``NAME:key=value,key=value``.

Only the first ``:`` ends the name and only the first ``=`` ends a key. A comma ends a value only where the name of
one of that plugin's options and ``=`` follow; every other character belongs to the value. So nothing needs quoting:

    files:path=a,b.csv,text=review
    hf-model:checkpoint=org/name@main
    freeze-pattern:pattern=layer\.(0|1)\.,?

A spec is read in two steps, because the second one needs the plugin: :func:`split_name`, then :func:`parse_options`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from textclf_core.errors import UsageError


@dataclass(frozen=True)
class PluginSpec:
    """A plugin by name, with values for some of its options.

    A value is text as it was typed, or a value of the option's own type where it came from Python or from a file.
    """

    name: str
    options: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    set_by: str = "command line"
    """Who wrote the spec, for the record: ``"command line"``, ``"call"``, ``"default"``, or a file."""

    def __str__(self) -> str:
        return format_spec(self.name, self.options)


def format_spec(name: str, options: Mapping[str, object]) -> str:
    """Return the spec of a plugin as it would be typed: ``freeze-first-n:n=4``."""
    written = ",".join(f"{key}={format_value(value)}" for key, value in options.items())
    return f"{name}:{written}" if written else name


def format_value(value: object) -> str:
    """Return a value as it would be typed: ``true``, ``none``, ``a,b`` for a list."""
    if isinstance(value, tuple | list):
        return ",".join(format_value(item) for item in value)
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return str(value)


def split_name(text: str) -> tuple[str, str]:
    """Return the name in a spec, and the text of its options (``""`` without any).

    Raises:
        UsageError: there is no name, or nothing after the ``:``.
    """
    name, colon, options = text.partition(":")
    name = name.strip()
    if not name:
        raise UsageError(f"{text!r} names no plugin; write NAME or NAME:key=value,key=value.")
    if colon and not options.strip():
        raise UsageError(f"{text!r}: no option follows the colon; write {name} or {name}:key=value,key=value.")
    return name, options


def parse_options(text: str, option_names: Collection[str], *, plugin: str) -> dict[str, str]:
    """Return the values in the text after ``plugin:``, as text, in the order written.

    A key that isn't in ``option_names`` is returned like the others: whoever checks the values refuses it, with the
    nearest right name.

    Raises:
        UsageError: a part isn't ``key=value``, or a key is there twice.
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
