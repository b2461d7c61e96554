"""What a class implements: the hooks of a plugin, checked against the specifications."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, get_args

from textclf_core import hookspecs
from textclf_core.errors import PluginError, did_you_mean
from textclf_core.types.needs import NeededModel, Needs
from textclf_core.types.recipe import Recipe

ARGUMENTS_OF_HOOK = {
    name: tuple(inspect.signature(function).parameters)
    for name, function in vars(hookspecs).items()
    if hasattr(function, f"{hookspecs.PROJECT}_spec")
}
"""The arguments that each hook offers."""

_INSTEAD = {
    ("textclf_train", "recipe"): "Let the class inherit Recipe of textclf_core, and read epochs, batch_size and the "
    "others from self.",
    ("textclf_train", "body"): "Ask for 'encoder', and write in the class "
    '`needs: ClassVar[Needs] = Needs(model="headless")`: then it comes without its head.',
}
"""What to write instead of arguments that hooks gave before version 0.1.0."""


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
            if instead := _INSTEAD.get((hook, argument.name)):
                faults.append(f"{hook} ({where}) asks for the argument {argument.name!r}, which is gone. {instead}")
            elif argument.name not in ARGUMENTS_OF_HOOK[hook]:
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
    if not faults:
        faults += _faults_of_needs(cls, hooks)
    if faults:
        raise PluginError(" ".join(faults))
    return hooks


def needs_of(cls: type) -> Needs:
    """Return what a plugin's class needs of a run."""
    needs = getattr(cls, "needs", Needs())
    assert isinstance(needs, Needs)  # checked when the plugin was loaded
    return needs


def _faults_of_needs(cls: type, hooks: dict[str, tuple[str, ...]]) -> list[str]:
    """Return in what a class's ``needs`` and the arguments of its hooks disagree."""
    needs = getattr(cls, "needs", Needs())
    if not isinstance(needs, Needs):
        return [f"its `needs` must be a Needs of textclf_core, not {needs!r}; an option can't have that name."]
    if needs.model not in (models := get_args(NeededModel)):
        return [f"needs.model must be {', '.join(map(repr, models))}, not {needs.model!r}."]
    faults = []
    asked = hooks.get("textclf_train", ())
    if "encoder" in asked and needs.model == "none":
        faults.append(
            "textclf_train asks for 'encoder', but the class doesn't say which model it needs; write in it "
            '`needs: ClassVar[Needs] = Needs(model="whole")`, or "headless" for a model without its head.'
        )
    if "encoder" not in asked and needs.model != "none":
        faults.append(
            f"it needs a model (Needs(model={needs.model!r})), but has no textclf_train that asks for 'encoder'."
        )
    if "plan" in asked and not needs.phases:
        faults.append("textclf_train asks for 'plan'; write Needs(phases=True) in the class to get it.")
    if "plan" not in asked and needs.phases:
        faults.append("it needs phases (Needs(phases=True)), but has no textclf_train that asks for 'plan'.")
    if needs.phases and (needs.model == "none" or not issubclass(cls, Recipe)):
        faults.append(
            "phases (Needs(phases=True)) are those of a model and a recipe: it must need a model and inherit Recipe."
        )
    norms = "gradient_norms" in hooks.get("textclf_interval_finished", ())
    if norms and not needs.gradient_norms:
        faults.append(
            "textclf_interval_finished asks for 'gradient_norms'; write Needs(gradient_norms=True) in the class to get "
            "them measured."
        )
    if needs.gradient_norms and not norms:
        faults.append(
            "it needs gradient norms (Needs(gradient_norms=True)), but has no textclf_interval_finished that asks for "
            "'gradient_norms'."
        )
    return faults


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
