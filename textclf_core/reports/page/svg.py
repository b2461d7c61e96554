"""Charts as SVG within the page: in its colours and its font, without styles, references and ids."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import matplotlib

from textclf_core.reports.page.tables import Figure
from textclf_core.reports.plots.style import COLOURS, Chart

_VARIABLES = {colour: f"var(--{name})" for name, colour in COLOURS.items()}
_NAMESPACE, _REFERENCE = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"
# The labels that matplotlib gives what it draws; all others are names of points and bars, which the page shows.
_OWN_LABEL = re.compile(r"_child\d+|_nolegend_|")
_UNUSED = {"font", "font-family", "font-size"}  # the page's style has them


def figure_svg(chart: Chart) -> Figure:
    """Return a chart as the page shows it: each point and bar tells its name on hover and on keyboard focus."""
    tips: dict[str, str] = {}
    for axes in chart.figure.axes:
        for artist in (*axes.lines, *axes.patches):
            if not _OWN_LABEL.fullmatch(label := str(artist.get_label())):
                artist.set_gid(f"tip-{len(tips)}")
                tips[f"tip-{len(tips)}"] = label
        for text in axes.texts:
            text.set_gid("label")
    chart.figure.patch.set_visible(False)
    file = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        chart.figure.savefig(file, format="svg")
    drawn = ElementTree.fromstring(file.getvalue())
    shapes = {one.get("id", ""): one for one in drawn.iter(f"{_NAMESPACE}path")}
    attributes = {"viewBox": drawn.get("viewBox", ""), "class": "chart", "role": "group", "aria-label": chart.name}
    svg = Element("svg", attributes)
    svg.extend(_children(drawn, tips, shapes))
    return Figure(ElementTree.tostring(svg, encoding="unicode", short_empty_elements=False), chart.caption)


def _children(parent: Element, tips: Mapping[str, str], shapes: Mapping[str, Element]) -> Iterator[Element]:
    """Yield the page's SVG for the elements of a group."""
    for element in parent:
        tag, own = element.tag.removeprefix(_NAMESPACE), element.get("id", "")
        if tag == "g" and own in tips:
            point = Element("g", {"class": "point", "tabindex": "0", "role": "img", "aria-label": tips[own]})
            ElementTree.SubElement(point, "title").text = tips[own]
            point.extend(_children(element, tips, shapes))
            yield point
        elif tag == "g":
            for child in _children(element, tips, shapes):
                if own == "label":
                    child.set("class", "label")
                yield child
        elif tag == "use" and (shape := shapes.get(element.get(_REFERENCE, "").removeprefix("#"))) is not None:
            at = f"translate({_short(element.get('x', '0'))} {_short(element.get('y', '0'))})"
            yield Element("path", {"class": "dot", "d": _short(shape.get("d", "")), "transform": at}
                          | _presentation(shape) | _presentation(element))  # fmt: skip
        elif tag == "path" and (found := _presentation(element)) != {"fill": "none"}:
            yield Element("path", {"d": _short(element.get("d", ""))} | found)
        elif tag == "image":
            names = ("x", "y", "width", "height", "transform")
            places = {name: value for name, value in element.items() if name in names}
            yield Element("image", places | {"href": element.get(_REFERENCE, "")})
        elif tag == "text":
            places = {name: _short(value) for name, value in element.items() if name in ("x", "y", "transform")}
            text = Element("text", places | _presentation(element))
            text.text = element.text
            yield text


def _presentation(element: Element) -> dict[str, str]:
    """Return an element's style as attributes, with the page's variables for colours."""
    pairs = (part.partition(":") for part in element.get("style", "").split(";") if part.strip())
    styles = {name.strip(): value.strip() for name, _, value in pairs}
    return {name: _VARIABLES.get(value, value) for name, value in styles.items() if name not in _UNUSED}


def _short(numbers: str) -> str:
    """Return coordinates with two decimals, more than a screen shows."""
    return re.sub(
        r"\d+\.\d+", lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), " ".join(numbers.split())
    )
