"""What a class implements: the hooks of a plugin, checked against the specifications."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from textclf_core import hookspecs
from textclf_core.errors import PluginError, did_you_mean

ARGUMENTS_OF_HOOK = {
    name: tuple(inspect.signature(function).parameters)
    for name, function in vars(hookspecs).items()
    if hasattr(function, f"{hookspecs.PROJECT}_spec")
}
"""The arguments that each hook offers."""


def has_hooks(cls: type) -> bool:
    """Return whether a class means to be a plugin: a method is marked with ``hookimpl`` or named like a hook."""
    return any(True for _ in _methods(cls))


def hooks_of(cls: type) -> dict[str, tuple[str, ...]]:
    """Return the hooks that a class implements, and the arguments that each asks for.

    Raises:
        PluginError: it implements none, or one that this version doesn't have, or asks one for an argument that this
            version doesn't give. All faults are listed.
    """
    hooks: dict[str, tuple[str, ...]] = {}
    faults: list[str] = []
    for name, method, options in _methods(cls):
        where = _where(method)
        if options is None:
            faults.append(f"{name} ({where}) lacks @hookimpl, so it would never be called.")
            continue
        hook = options.get("specname") or name
        if hook not in ARGUMENTS_OF_HOOK:
            if not options.get("optionalhook"):
                faults.append(
                    f"it implements the hook {hook!r} ({where}), which this textclf doesn't have."
                    f"{did_you_mean(hook, ARGUMENTS_OF_HOOK)} If the name is right, it needs a newer textclf."
                )
            continue
        arguments = _arguments(method)
        for argument in arguments:
            if argument.name not in ARGUMENTS_OF_HOOK[hook]:
                faults.append(
                    f"{hook} ({where}) asks for the argument {argument.name!r}, which this textclf doesn't give."
                    f"{did_you_mean(argument.name, ARGUMENTS_OF_HOOK[hook])} It gives "
                    f"{', '.join(ARGUMENTS_OF_HOOK[hook])}. If the name is right, it needs a newer textclf."
                )
            elif argument.default is not argument.empty or argument.kind is not argument.POSITIONAL_OR_KEYWORD:
                # pluggy passes neither, and says nothing: the default would always be what comes.
                faults.append(f"{hook} ({where}) must take {argument.name!r} as a plain argument without a default.")
        hooks[hook] = tuple(argument.name for argument in arguments)
    if not hooks and not faults:
        faults.append(f"{cls.__qualname__} implements no hook; mark a method such as textclf_freeze with @hookimpl.")
    if faults:
        raise PluginError(" ".join(faults))
    return hooks


def roles_of(hooks: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the roles that these hooks give, in the order in which a run calls them."""
    return tuple(dict.fromkeys(role for hook, role in hookspecs.ROLE_OF_HOOK.items() if hook in hooks))


def _methods(cls: type) -> Iterator[tuple[str, Any, dict[str, Any] | None]]:
    """Yield name, function and pluggy's options (``None``: not marked) of each method that is or looks like a hook."""
    for name in dir(cls):
        method = inspect.getattr_static(cls, name)
        marked = getattr(method, "__func__", method)
        options: dict[str, Any] | None = getattr(marked, f"{hookspecs.PROJECT}_impl", None)
        if options is not None or (name.startswith(f"{hookspecs.PROJECT}_") and inspect.isroutine(method)):
            yield name, method, options


def _arguments(method: Any) -> list[inspect.Parameter]:
    """Return what a method takes beside ``self``."""
    parameters = list(inspect.signature(getattr(method, "__func__", method)).parameters.values())
    return parameters if isinstance(method, staticmethod) else parameters[1:]


def _where(method: Any) -> str:
    code = getattr(method, "__func__", method).__code__
    return f"{code.co_filename}:{code.co_firstlineno}"
