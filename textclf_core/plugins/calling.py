"""Calling hooks: results are checked, and errors name the hook, the plugin and the plugin's origin."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from textclf_core.errors import RunError, TextclfError
from textclf_core.plugins.hooks import FIRST_RESULT, implementation_of
from textclf_core.plugins.results import RESULTS, shown

if TYPE_CHECKING:
    from textclf_core.plugins.active import ActivePlugin, ActivePlugins

trace = logging.getLogger("textclf.hooks")
"""Logs each call of a hook at level DEBUG: the plugin, what it returned, and the time that it took."""


def call(plugins: ActivePlugins, hook: str, *, optional: bool = False, **arguments: Any) -> Any:
    """Call a hook of all plugins that implement it, in order.

    Returns:
        For a first-result hook, the first result, or ``None`` if the result is ``optional``. For any other, the list of
        all results that aren't ``None``.

    Raises:
        RunError: a plugin failed or returned an invalid result, or a required result is missing.
    """
    asked = plugins.implementing(hook)
    results = []
    for plugin in asked:
        result = call_one(plugin, hook, **arguments)
        if result is not None and FIRST_RESULT[hook]:
            return result
        if result is not None:
            results.append(result)
    if not FIRST_RESULT[hook]:
        return results
    if not optional:
        came = "returned None" if asked else "is missing"
        who = ", ".join(str(plugin) for plugin in asked or plugins)
        raise RunError(f"{hook} of {who} {came}; it must return {RESULTS[hook].wanted}.")
    return None


def call_one(plugin: ActivePlugin, hook: str, **arguments: Any) -> Any:
    """Call a hook of one plugin that implements it, and return its result.

    Raises:
        RunError: it failed or returned an invalid result.
    """
    function, names = implementation_of(plugin.instance, hook)
    started = time.perf_counter()
    with errors_of(plugin, hook):
        result = function(*(arguments[name] for name in names))
    if trace.isEnabledFor(logging.DEBUG):
        milliseconds = 1000 * (time.perf_counter() - started)
        trace.debug("%s of %s returned %s in %.1f ms", hook, plugin, " ".join(shown(result).split()), milliseconds)
    if came := RESULTS[hook].fault(result, arguments):
        raise RunError(f"{hook} of {plugin} returned {came}; it must return {RESULTS[hook].wanted}.")
    return result


@contextmanager
def errors_of(plugin: ActivePlugin, what: str) -> Iterator[None]:
    """Turn an exception of a plugin into an error that names the plugin and the last line reached in it.

    Errors of textclf pass unchanged, since their message is the plugin author's. ``sys.exit`` is treated as an error.

    Args:
        plugin: the plugin whose code is called.
        what: what is called: a hook, or a method such as ``"scores"``.

    Raises:
        RunError: the block raised.
    """
    try:
        yield
    except TextclfError:
        raise
    except (Exception, SystemExit) as error:
        where = _last_line(error, type(plugin.instance))
        raise RunError(f"{what} of {plugin} failed at {where}: {type(error).__name__}: {error}") from error


def _last_line(error: BaseException, cls: type) -> str:
    """Return the file and line of the deepest frame in the plugin's package or file, or else of the deepest frame."""
    frames = list(traceback.walk_tb(error.__traceback__))
    package = cls.__module__.partition(".")[0]
    own = [one for one in frames if one[0].f_globals.get("__name__", "").partition(".")[0] == package]
    frame, line = (own or frames)[-1]
    return f"{frame.f_code.co_filename}:{line}"
