"""The hooks that a plugin's class implements, and checks of them against the specifications."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, get_args

from textclf_core import hookspecs
from textclf_core.errors import did_you_mean
from textclf_core.hookspecs import PLAN_HOOKS, ROLE_OF_HOOK, SEAM_HOOKS
from textclf_core.types.needs import NeededModel, Needs, Seam
from textclf_core.types.recipe import Recipe

_SPECS = {
    name: getattr(function, f"{hookspecs.PROJECT}_spec")
    for name, function in vars(hookspecs).items()
    if hasattr(function, f"{hookspecs.PROJECT}_spec")
}

ARGUMENTS_OF_HOOK = {name: tuple(inspect.signature(getattr(hookspecs, name)).parameters) for name in _SPECS}
"""The arguments that each hook passes."""

FIRST_RESULT = {name: bool(options["firstresult"]) for name, options in _SPECS.items()}
"""For each hook, whether only the first result that isn't ``None`` is used."""

_INSTEAD = {
    ("textclf_train", "recipe"): "Let the class inherit Recipe of textclf_core, and read epochs, batch_size and the "
    "others from self.",
    ("textclf_train", "body"): "Take 'encoder', and write in the class "
    '`needs: ClassVar[Needs] = Needs(model="headless")` to get it without its head.',
}
"""What to write instead of arguments that existed before version 0.1.0."""


def has_hooks(cls: type) -> bool:
    """Return whether a class is meant as a plugin: a method is marked with ``hookimpl`` or named like a hook."""
    return any(True for _ in _methods(cls))


@cache
def hooks_of(cls: type) -> dict[str, tuple[str, ...]]:
    """Return the hooks that a class implements, and the arguments that each takes.

    Unknown hooks are omitted; :func:`faults_of_hooks` reports them.
    """
    return {
        hook: tuple(argument.name for argument in _arguments(inspect.getattr_static(cls, name)))
        for hook, name in _implementing(cls).items()
    }


def roles_of(hooks: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the roles of these hooks, in the order in which a run calls them."""
    own = SEAM_HOOKS if "textclf_train" in hooks else ()  # how a trainer itself takes its steps
    return tuple(dict.fromkeys(role for hook, role in ROLE_OF_HOOK.items() if hook in hooks and hook not in own))


def name_of_seam(hook: str) -> str:
    """Return the name that ``Needs.seams`` has for a hook of :data:`SEAM_HOOKS`."""
    return hook.removeprefix(f"{hookspecs.PROJECT}_")


def needs_of(cls: type) -> Needs:
    """Return what a plugin's class needs from a run."""
    needs = getattr(cls, "needs", Needs())
    assert isinstance(needs, Needs)  # checked when the plugin was loaded
    return needs


def implementation_of(plugin: object, hook: str) -> tuple[Callable[..., Any], tuple[str, ...]]:
    """Return the method by which a plugin implements a hook, and the arguments that it takes."""
    cls: type = type(plugin)
    return getattr(plugin, _implementing(cls)[hook]), hooks_of(cls)[hook]


def implementing_places(cls: type) -> dict[str, str]:
    """Return the file and line of the method that implements each hook."""
    return {hook: _where(inspect.getattr_static(cls, name)) for hook, name in _implementing(cls).items()}


def arguments_of(plugin: object, hook: str) -> tuple[str, ...]:
    """Return the arguments that a plugin's implementation of a hook takes; none if it doesn't implement it."""
    cls: type = type(plugin)
    return hooks_of(cls).get(hook, ())


def written_side_by_side(cls: type, one: str, other: str) -> bool:
    """Return whether the same class of the MRO defines both hooks, so that they can be expected to agree."""
    names = _implementing(cls)
    if one not in names or other not in names:
        return False
    first, second = (next(base for base in cls.__mro__ if names[hook] in vars(base)) for hook in (one, other))
    return first is second


def is_defined_later(cls: type, one: str, other: str) -> bool:
    """Return whether a subclass of the class that defines the hook ``other`` defines the hook ``one``."""
    names = _implementing(cls)
    if one not in names or other not in names:
        return False
    first, second = (
        next(place for place, base in enumerate(cls.__mro__) if names[hook] in vars(base)) for hook in (one, other)
    )
    return first < second


def faults_of_hooks(cls: type) -> list[str]:
    """Return the faults of a class's hooks, each as a sentence."""
    faults: list[str] = []
    known: list[str] = []
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
        if options.get("wrapper") or options.get("hookwrapper"):
            faults.append(
                f"{hook} ({where}) is a wrapper, which textclf doesn't call: each plugin is called separately, so that "
                "its effect can be recorded. Implement the hook; tryfirst and trylast set the order."
            )
            continue
        if hook in known:
            faults.append(f"it implements {hook} twice (once in {where}); combine the two methods.")
        known.append(hook)
        faults += _faults_of_arguments(hook, method)
    if not known and not faults:
        faults.append(f"{cls.__qualname__} implements no hook; mark a method such as textclf_freeze with @hookimpl.")
    if not faults:
        faults += [*_faults_of_needs(cls), *_faults_of_idle_hooks(cls)]
    return faults


def deprecations_of(cls: type) -> list[str]:
    """Return a sentence for each hook and argument of a class that will be removed.

    A spec says so as pluggy has it: ``@hookspec(warn_on_impl=DeprecationWarning("..."))`` for a hook, and
    ``warn_on_impl_args={"argument": DeprecationWarning("...")}`` for an argument.
    """
    found = []
    for hook, arguments in hooks_of(cls).items():
        if of_hook := _SPECS[hook]["warn_on_impl"]:
            found.append(f"{hook}: {of_hook}")
        of_arguments = _SPECS[hook]["warn_on_impl_args"] or {}
        found += [f"{hook}, argument {name!r}: {of_arguments[name]}" for name in arguments if name in of_arguments]
    return found


def _faults_of_arguments(hook: str, method: Any) -> Iterator[str]:
    where = _where(method)
    for argument in _arguments(method):
        if instead := _INSTEAD.get((hook, argument.name)):
            yield f"{hook} ({where}) takes the argument {argument.name!r}, which no longer exists. {instead}"
        elif argument.name not in ARGUMENTS_OF_HOOK[hook]:
            yield (
                f"{hook} ({where}) takes the argument {argument.name!r}, which this textclf doesn't pass."
                f"{did_you_mean(argument.name, ARGUMENTS_OF_HOOK[hook])} It passes "
                f"{', '.join(ARGUMENTS_OF_HOOK[hook])}. If the name is right, it needs a newer textclf."
            )
        elif argument.default is not argument.empty or argument.kind is not argument.POSITIONAL_OR_KEYWORD:
            # pluggy silently passes neither, so the default would always be used.
            yield f"{hook} ({where}) must take {argument.name!r} as a plain argument without a default."


def _faults_of_needs(cls: type) -> Iterator[str]:
    """Yield the contradictions between a class's ``needs`` and the arguments of its hooks."""
    needs, hooks = getattr(cls, "needs", Needs()), hooks_of(cls)
    if not isinstance(needs, Needs):
        yield f"its `needs` must be a Needs of textclf_core, not {needs!r}; an option can't have that name."
        return
    if needs.model not in (models := get_args(NeededModel)):
        yield f"needs.model must be {', '.join(map(repr, models))}, not {needs.model!r}."
        return
    asked = hooks.get("textclf_train", ())
    if "encoder" in asked and needs.model == "none":
        yield (
            "textclf_train takes 'encoder', but the class doesn't declare which model it needs; write in it "
            '`needs: ClassVar[Needs] = Needs(model="whole")`, or "headless" for a model without its head.'
        )
    if "encoder" not in asked and needs.model != "none":
        yield f"it needs a model (Needs(model={needs.model!r})), but has no textclf_train that takes 'encoder'."
    if unknown := [seam for seam in needs.seams if seam not in get_args(Seam)]:
        yield f"needs.seams may have {', '.join(map(repr, get_args(Seam)))}, not {unknown[0]!r}."
    if "plan" in asked and not (needs.phases or needs.seams):
        yield "textclf_train takes 'plan'; write Needs(phases=True) in the class to get it."
    for what, given in (("phases", needs.phases), ("seams", needs.seams)):
        if "plan" not in asked and given:
            yield f"it needs {what} (Needs({what}={given!r})), but has no textclf_train that takes 'plan'."
        if given and (needs.model == "none" or not issubclass(cls, Recipe)):
            yield f"it needs {what} (Needs({what}={given!r})), so it must also need a model and inherit Recipe."
    norms = "gradient_norms" in hooks.get("textclf_interval_finished", ())
    if norms and not needs.gradient_norms:
        yield (
            "textclf_interval_finished takes 'gradient_norms'; write Needs(gradient_norms=True) in the class to have "
            "them measured."
        )
    if needs.gradient_norms and not norms:
        yield (
            "it needs gradient norms (Needs(gradient_norms=True)), but has no textclf_interval_finished that takes "
            "'gradient_norms'."
        )
    for name, able in (
        ("devices", ("textclf_engine",)),
        ("approximate", ("textclf_engine",)),
        ("packages", ("textclf_export", "textclf_engine")),
    ):
        if (value := getattr(needs, name)) and not any(hook in hooks for hook in able):
            yield f"it needs {name} (Needs({name}={value!r})), but has no {' or '.join(able)}."


def _faults_of_idle_hooks(cls: type) -> Iterator[str]:
    """Yield the parts of a class that would never be called: all of it without a role, or single hooks."""
    hooks, needs = hooks_of(cls), getattr(cls, "needs", Needs())
    roles = roles_of(hooks)
    if not roles:
        yield (
            f"it would have no effect: {', '.join(hooks)} alone gives it no role. Implement one of "
            f"{', '.join(ROLE_OF_HOOK)}."
        )
    if "trainer" not in roles or not isinstance(needs, Needs):
        return
    for hook in hooks:
        if needs.model == "none" and ROLE_OF_HOOK.get(hook) in ("model", "strategy"):
            yield f"{hook} would never be called, since it trains without a model. Remove it, or set Needs(model=...)."
        elif hook in PLAN_HOOKS and not needs.phases:
            yield (
                f"{hook} would never be called, since its textclf_train takes no phases. Remove it, or set "
                "Needs(phases=True)."
            )


@cache
def _implementing(cls: type) -> dict[str, str]:
    """Return the name of the method that implements each hook."""
    names = {}
    for name, _, options in _methods(cls):
        hook = options and (options.get("specname") or name)
        if options and hook in ARGUMENTS_OF_HOOK and not (options.get("wrapper") or options.get("hookwrapper")):
            names[hook] = name
    return names


def _methods(cls: type) -> Iterator[tuple[str, Any, dict[str, Any] | None]]:
    """Yield name, function and pluggy's options (``None`` if not marked) of each method that is named like a hook."""
    attributes: dict[str, Any] = {}
    for base in reversed(cls.__mro__[:-1]):  # all but `object`
        attributes |= vars(base)
    for name, method in sorted(attributes.items(), key=lambda item: item[0]):
        marked = getattr(method, "__func__", method)
        options: dict[str, Any] | None = getattr(marked, f"{hookspecs.PROJECT}_impl", None)
        if options is not None or (name.startswith(f"{hookspecs.PROJECT}_") and inspect.isroutine(method)):
            yield name, method, options


def _arguments(method: Any) -> list[inspect.Parameter]:
    """Return a method's parameters, without ``self``."""
    parameters = list(inspect.signature(getattr(method, "__func__", method)).parameters.values())
    return parameters if isinstance(method, staticmethod) else parameters[1:]


def _where(method: Any) -> str:
    code = inspect.unwrap(getattr(method, "__func__", method)).__code__
    return f"{code.co_filename}:{code.co_firstlineno}"
