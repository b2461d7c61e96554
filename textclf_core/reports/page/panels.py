"""Parts of the page of which one is shown at a time, chosen by name."""

from __future__ import annotations

from collections.abc import Sequence

from textclf_core.reports.page.markup import Html, joined, tag


def panels(id: str, label: str, parts: Sequence[tuple[str, str]]) -> Html:
    """Return the parts with a choice among them. Without the page's script all of them are shown, with their names.

    Args:
        id: what the ids of the parts begin with.
        label: what is chosen.
        parts: of each its name and what it holds.
    """
    if len(parts) == 1:
        return joined(content for _, content in parts)
    options = [tag("option", name, value=f"{id}-{index}") for index, (name, _) in enumerate(parts)]
    choice = tag("label", f"{label} ", tag("select", *options, data_panels=True, autocomplete="off"))
    shown = [
        tag("div", tag("p", name, class_="panel-name"), content, id=f"{id}-{index}", class_="panel")
        for index, (name, content) in enumerate(parts)
    ]
    return joined((tag("p", choice, class_="control"), *shown))
