"""What a plugin's options are, and how values are checked against them.

A plugin's options are the fields of its dataclass, those of a base class (:class:`~textclf_core.types.recipe.Recipe`)
included. The type of a field says what it takes; :class:`Option` beside it gives the help and the range, and
constraints of annotated-types may stand beside both.
"""

from __future__ import annotations

import dataclasses
import inspect
import operator
import re
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Union, get_args, get_origin, get_type_hints

from annotated_types import BaseMetadata, Ge, GroupedMetadata, Gt, Le, Lt, MaxLen, MinLen

from textclf_core.errors import PluginError, UsageError, did_you_mean
from textclf_core.types.option import Option

_SCALARS = (bool, int, float, str, Path, type(None))
_BOUNDS = (Ge, Gt, Le, Lt)
_LENGTHS = (MinLen, MaxLen)


@dataclass(frozen=True)
class OptionInfo:
    """One option of a plugin, as it is shown to a person."""

    name: str
    type: str
    """In words: ``"int or float"``, ``"auto, binary or macro"``, ``"true or false"``."""
    default: object
    """``None`` where ``required``."""
    required: bool
    help: str
    range: str
    """In words: ``"at least 0"``; empty if any value of the type will do."""
    choices: tuple[str, ...]
    """The values of a ``Literal``."""
    search: tuple[float, float] | None = None
    """The range in which a good value is usually found."""
    resumes: bool = False
    """Whether it takes a checkpoint to go on from."""
    replaced_by: str | None = None
    """The hook by which another plugin decides what it decides."""

    @property
    def takes(self) -> str:
        """What the option takes, in words: its type and its range."""
        return f"{self.type}, {self.range}" if self.range else self.type


@dataclass(frozen=True)
class _Field:
    """An option, with what is needed to check a value."""

    info: OptionInfo
    annotation: Any
    constraints: tuple[BaseMetadata, ...]


def option_names(cls: type) -> tuple[str, ...]:
    """Return the names of a plugin class's options, in the order of its fields."""
    if not dataclasses.is_dataclass(cls):
        return ()
    return tuple(field.name for field in dataclasses.fields(cls) if field.init)


SUPPORTED = "bool, int, float, str, Path, Literal, tuples and lists of these, and None beside any of them"
"""The types that an option may have: those whose values can be written on a command line."""


def faults_of_options(cls: type) -> list[str]:
    """Return what of a class's fields can't be an option, each as a sentence."""
    if not dataclasses.is_dataclass(cls) or not _is_frozen(cls):
        return [f"{cls.__qualname__} must be a frozen dataclass: mark it with @dataclass(frozen=True, kw_only=True)."]
    try:
        annotations = get_type_hints(cls, include_extras=True)
    except (NameError, TypeError) as error:
        return [_unreadable(cls, error)]
    options = {field.name for field in dataclasses.fields(cls)}
    constants = {name for name, annotation in annotations.items() if _is_constant(annotation)}
    faults = [
        f"{name} has an annotation, but is no field: mark {cls.__qualname__} itself with "
        f"@dataclass(frozen=True, kw_only=True), or write {name}: ClassVar[...] for a constant."
        for name in annotations
        if name not in options | constants and not name.startswith("_")
    ]
    faults += [
        f"{name} has no annotation, so it can't be set: write {name}: Annotated[TYPE, Option(...)] for an option, or "
        f"{name}: ClassVar[TYPE] for a constant."
        for name, value in _attributes_of(cls)
        if name not in annotations and not _is_method(value)
    ]
    faults += [
        f"the option {name} has the type {_named(annotations[name])}, which can't be written on a command line. An "
        f"option may have the types {SUPPORTED}; a constant is annotated with ClassVar[...]."
        for name in option_names(cls)
        if not _is_supported(annotations[name])
    ]
    faults += [
        f"the option {name} takes whole numbers, and its bound {bound:g} is none: write one, or the type float."
        for name in option_names(cls)
        for bound in _broken_bounds(annotations[name])
    ]
    return faults


def _broken_bounds(annotation: Any) -> list[float]:
    """Return the bounds of an option of whole numbers that are none themselves, which pydantic can't check."""
    if get_origin(annotation) is not Annotated:
        return []
    annotation, *extras = get_args(annotation)
    parts = _alternatives(annotation)
    if int not in parts or float in parts:
        return []
    bounds = [dataclasses.astuple(one)[0] for one in _constraints(extras) if isinstance(one, _BOUNDS)]
    return [bound for bound in bounds if bound % 1]


def _is_frozen(cls: type) -> bool:
    return bool(getattr(cls, "__dataclass_params__").frozen)  # noqa: B009  # it is no documented attribute


def _is_constant(annotation: Any) -> bool:
    return annotation is ClassVar or get_origin(annotation) is ClassVar


def _attributes_of(cls: type) -> Iterator[tuple[str, object]]:
    """Yield name and value of what a class and its bases hold, but what is private."""
    for base in cls.__mro__:
        if base is not object:
            yield from ((name, value) for name, value in vars(base).items() if not name.startswith("_"))


def _is_method(value: object) -> bool:
    """Return whether it is a method, a property, another descriptor, or a class."""
    return isinstance(value, type) or inspect.isroutine(value) or hasattr(value, "__get__")


def _named(annotation: Any) -> str:
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return annotation.__name__ if isinstance(annotation, type) and not get_args(annotation) else str(annotation)


def _is_supported(annotation: Any) -> bool:
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return all(_is_scalar(part) or _is_list_of_scalars(part) for part in _alternatives(annotation))


def _is_scalar(part: Any) -> bool:
    return part in _SCALARS or get_origin(part) is Literal


def _is_list_of_scalars(part: Any) -> bool:
    items = [one for item in get_args(part) for one in _alternatives(item) if item is not Ellipsis]
    return _is_list(part) and bool(items) and all(map(_is_scalar, items))


def options_of(cls: type) -> tuple[OptionInfo, ...]:
    """Return a plugin class's options, in the order of its fields.

    Raises:
        PluginError: the type of a field can't be read.
    """
    return tuple(field.info for field in _fields_of(cls))


def build_plugin(name: str, cls: type, values: Mapping[str, object]) -> Any:
    """Return an instance of a plugin class with the given values for its options.

    Values may be text, as typed on a command line: ``"4"``, ``"0.5"``, ``"true"``; ``""`` (and ``"none"``, unless
    the option takes text) for an option that may be ``None``; ``"a,b"`` for a list. An option that takes text gets
    it unchanged: ``"NA"``, ``"null"`` and ``"4"`` stay text.

    Args:
        name: the plugin's name, for the errors.
        cls: the plugin's class.
        values: values by option name; the others take their defaults.

    Raises:
        UsageError: an option doesn't exist, is missing, or can't take its value. All faults are listed.
    """
    fields = {field.info.name: field for field in _fields_of(cls)}
    faults: list[str] = []
    checked: dict[str, Any] = {}
    for key, value in values.items():
        if key not in fields:
            takes = f"It takes {', '.join(fields)}." if fields else "It takes no options."
            faults.append(f"there is no option {key!r}.{did_you_mean(key, fields)} {takes}")
            continue
        try:
            checked[key] = _check(fields[key], value)
        except ValueError:
            faults.append(_refusal(fields[key], value, tuple(fields)))
    for key, field in fields.items():
        if field.info.required and key not in values:
            faults.append(f"option {key!r} must be given: {field.info.takes}.{_help(field.info)}")
    if faults:
        raise UsageError(_listed(name, faults))
    try:
        return cls(**checked)
    except ValueError as error:  # its __post_init__ found values that don't go together
        raise UsageError(f"{name}: {error}") from error


def _fields_of(cls: type) -> list[_Field]:
    if not dataclasses.is_dataclass(cls):
        return []
    try:
        annotations = get_type_hints(cls, include_extras=True)
    except (NameError, TypeError) as error:
        raise PluginError(_unreadable(cls, error)) from error
    fields = []
    for field in dataclasses.fields(cls):
        if not field.init:
            continue
        annotation = annotations[field.name]
        extras: list[Any] = []
        if get_origin(annotation) is Annotated:
            annotation, *extras = get_args(annotation)
        option = next((extra for extra in extras if isinstance(extra, Option)), Option(""))
        constraints = tuple(_constraints(extras))
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        else:
            default = None if required else field.default
        info = OptionInfo(
            name=field.name,
            type=_in_words(annotation),
            default=default,
            required=required,
            help=option.help,
            range=_range(constraints),
            choices=tuple(
                str(choice)
                for part in _alternatives(annotation)
                if get_origin(part) is Literal
                for choice in get_args(part)
            ),
            search=option.search,
            resumes=option.resumes,
            replaced_by=option.replaced_by,
        )
        fields.append(_Field(info, annotation, constraints))
    return fields


def _constraints(extras: Iterable[Any]) -> Iterator[BaseMetadata]:
    for extra in extras:
        if isinstance(extra, GroupedMetadata):  # an Option, an Interval, a Len
            yield from _constraints(extra)
        elif isinstance(extra, BaseMetadata):
            yield extra


def _range(constraints: Iterable[BaseMetadata]) -> str:
    """Return the range in words: ``"at least 0 and less than 1"``, or ``""``."""
    words = []
    for constraint in constraints:
        match constraint:
            case Ge(bound):
                words.append(f"at least {bound:g}")
            case Gt(bound):
                words.append(f"more than {bound:g}")
            case Le(bound):
                words.append(f"at most {bound:g}")
            case Lt(bound):
                words.append(f"less than {bound:g}")
            case MinLen(length):
                words.append(f"at least {length} long")
            case MaxLen(length):
                words.append(f"at most {length} long")
    return " and ".join(words)


def _constrained(annotation: Any, constraints: tuple[BaseMetadata, ...]) -> Any:
    """Return the type with its constraints where they hold: bounds for numbers, lengths for text and lists.

    Pydantic would refuse ``None`` or ``"auto"`` beside a number that has a bound.
    """
    parts = _alternatives(annotation)
    numbers = [part for part in parts if part in (int, float)]
    sized = [part for part in parts if part is str or _is_list(part)]
    groups: list[Any] = [part for part in parts if part is type(None) or get_origin(part) is Literal]
    rest = [part for part in parts if part not in numbers + sized + groups]
    for group, others in ((numbers, _LENGTHS), (sized, _BOUNDS), (rest, _BOUNDS + _LENGTHS)):
        held = [constraint for constraint in constraints if not isinstance(constraint, others)]
        if group:
            union = operator.getitem(Union, tuple(group))
            groups.append(operator.getitem(Annotated, (union, *held)) if held else union)
    return operator.getitem(Union, tuple(groups))


def _unreadable(cls: type, error: Exception) -> str:
    return (
        f"the types of {cls.__qualname__}'s fields can't be read: {error}. A field's type must be importable when the "
        "plugin is: it can't come from an import under TYPE_CHECKING."
    )


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    """Return the parts of a union, or the type itself."""
    return get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)


def _in_words(annotation: Any) -> str:
    words: list[str] = []
    for part in _alternatives(annotation):
        if part is type(None):
            words.append("none")
        elif part is bool:
            words += ["true", "false"]
        elif get_origin(part) is Literal:
            words += [str(choice) for choice in get_args(part)]
        elif _is_list(part):
            items = [item for item in get_args(part) if item is not Ellipsis]
            words.append(f"list of {_in_words(items[0])}" if items else "list")
        else:
            words.append(getattr(part, "__name__", str(part)).lower())
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _is_list(part: Any) -> bool:
    return get_origin(part) in (tuple, list)


def _check(field: _Field, value: object) -> object:
    """Return the value in the option's type; raise ValueError if it can't be that."""
    from pydantic import ConfigDict, TypeAdapter  # 0.05 s, which listing plugins does without

    parts = _alternatives(field.annotation)
    if isinstance(value, str) and type(None) in parts:
        words = ("",) if str in parts else ("", "none")
        if value.strip().lower() in words:
            return None
    if isinstance(value, bool) and bool not in parts:
        raise ValueError("true is no number")  # pydantic would make it 1
    if isinstance(value, str) and value not in field.info.choices and str not in parts and any(map(_is_list, parts)):
        value = [item.strip() for item in value.split(",")]
    annotation = _constrained(field.annotation, field.constraints) if field.constraints else field.annotation
    return TypeAdapter(annotation, config=ConfigDict(allow_inf_nan=False)).validate_python(value)


def _refusal(field: _Field, value: object, names: tuple[str, ...]) -> str:
    info = field.info
    refusal = f"option {info.name!r} takes {info.takes}, not {value!r}.{_help(info)}"
    # A misspelt key is no key, so it and what follows belong to the value before it.
    misspelt = re.search(r",\s*(\w+)\s*=", value) if isinstance(value, str) else None
    if misspelt and misspelt[1] in names:
        return f"{refusal} Write no blanks around ',{misspelt[1]}='."
    if misspelt:
        hint = did_you_mean(misspelt[1], names)
        return f"{refusal} {misspelt[1]!r} is none of its options ({', '.join(names)}).{hint}"
    return refusal


def _help(info: OptionInfo) -> str:
    return f" {info.help}" if info.help else ""


def _listed(name: str, faults: list[str]) -> str:
    if len(faults) == 1:
        return f"{name}: {faults[0]}"
    return "\n  ".join([f"{name}: {len(faults)} of its options can't be used.", *faults])
