"""What ``--tune`` searches: options of a trainer, each in a range or among choices, and what the search may cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from textclf_core.errors import UsageError
from textclf_core.plugins import ActivePlugin
from textclf_core.plugins.activation import with_options
from textclf_core.plugins.options import OptionInfo, options_of

DEFAULT_TRIALS = 8
"""The number of trials unless another or a budget in FLOPs is given."""

_FEWEST_TRIALS = 2
_MOST_TRIALS = 100
# Over a range of so many times its lower end, values are tried evenly on a logarithmic scale.
_WIDE = 10

Value = str | int | float


@dataclass(frozen=True)
class Space:
    """The values of one option that are tried: choices, or numbers between two bounds.

    Attributes:
        name: the option's name.
        low: the lowest number; unused with choices.
        high: the highest number.
        whole: whether only whole numbers are tried.
        choices: the choices, as written.
    """

    name: str
    low: float = 0.0
    high: float = 0.0
    whole: bool = False
    choices: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the notation of the command line."""
        return ", ".join(self.choices) if self.choices else f"{self.low:g}..{self.high:g}"

    def includes(self, value: object) -> bool:
        """Return whether a value is among those that are tried."""
        if self.choices:
            return str(value) in self.choices
        return isinstance(value, int | float) and self.low <= value <= self.high

    def suggest(self, trial: Any) -> Value:
        """Return the value that an Optuna trial chooses."""
        if self.choices:
            return str(trial.suggest_categorical(self.name, self.choices))
        wide = self.low > 0 and self.high >= _WIDE * self.low
        if self.whole:
            return int(trial.suggest_int(self.name, int(self.low), int(self.high), log=wide))
        # Rounded to three significant digits, so that the value shown is the value used.
        return float(f"{trial.suggest_float(self.name, self.low, self.high, log=wide):.3g}")


@dataclass(frozen=True)
class SearchedOption:
    """An option to search, as asked for: in the range that the option declares, in a given one, or among choices."""

    name: str
    bounds: tuple[float, float] | None = None
    choices: tuple[str, ...] = ()

    def space_for(self, trainer: ActivePlugin) -> Space:
        """Return the values to try with a trainer.

        Raises:
            UsageError: no range is given and the trainer's option declares none, or the option can't take the values.
        """
        [info] = [one for one in options_of(type(trainer.instance)) if one.name == self.name]
        if self.choices:
            space = Space(self.name, choices=self.choices)
            ends: Sequence[Value] = self.choices
        else:
            space = self._range_for(trainer, info)
            ends = (int(space.low), int(space.high)) if space.whole else (space.low, space.high)
        for end in ends:
            with_options(trainer, {self.name: end}, set_by="tuning")  # raises what is wrong with it
        return space

    def _range_for(self, trainer: ActivePlugin, info: OptionInfo) -> Space:
        bounds = self.bounds or info.search
        if bounds is None:
            raise UsageError(
                f"--tune {self.name}: {trainer.name} has no default range for it; give one, such as "
                f"{self.name}=1e-4..1e-1, or choices, such as {self.name}=A,B."
            )
        whole = "int" in info.type.split(" or ") and "float" not in info.type.split(" or ")
        if whole and any(bound % 1 for bound in bounds):
            raise UsageError(
                f"--tune {self.name}={bounds[0]:g}..{bounds[1]:g}: {trainer.name} takes whole numbers for it."
            )
        return Space(self.name, *bounds, whole=whole)


@dataclass(frozen=True)
class Search:
    """The search for the values of some options, with the same budget for every contender.

    Attributes:
        options: the options.
        trials: how many values of all options together are tried.
        flops: FLOPs of training after which no further trial begins; ``None`` without such a limit.
        prune: whether trials begin on a part of train, on which most of them end.
    """

    options: tuple[SearchedOption, ...]
    trials: int = DEFAULT_TRIALS
    flops: float | None = None
    prune: bool = True

    def spaces_for(self, trainer: ActivePlugin) -> tuple[Space, ...]:
        """Return the values to try for those of the options that a trainer has; the errors are ``space_for``'s."""
        return tuple(option.space_for(trainer) for option in self.options if option.name in trainer.options)

    def __str__(self) -> str:
        """Return the names of the options."""
        return ", ".join(option.name for option in self.options)


def parse_search(
    texts: Sequence[str], trials: int | None = None, *, flops: float | None = None, prune: bool = True
) -> Search | None:
    """Return the search for options in the notation of ``--tune``; ``None`` without options.

    Args:
        texts: ``learning_rate``, ``learning_rate=1e-5..1e-2`` or ``batch_size=16,32``.
        trials: the number of trials; if not given, ``DEFAULT_TRIALS``, or as many as ``flops`` allows.
        flops: the budget in FLOPs.
        prune: as in :class:`Search`.

    Raises:
        UsageError: a range or choices are invalid, an option is given twice, the budget is too small, or there is one
            without options.
    """
    if not texts:
        given = {"--trials": trials is not None, "--tune-flops": flops is not None, "--no-prune": not prune}
        if unused := [name for name, is_given in given.items() if is_given]:
            raise UsageError(f"{' and '.join(unused)}: nothing is tuned; name an option with --tune OPTION.")
        return None
    if trials is None:
        trials = DEFAULT_TRIALS if flops is None else _MOST_TRIALS
    if trials < _FEWEST_TRIALS:
        raise UsageError(f"--trials {trials}: tuning needs at least {_FEWEST_TRIALS} trials.")
    if flops is not None and not flops > 0:
        raise UsageError(f"--tune-flops {flops:g}: must be above 0, such as 1e13.")
    options = tuple(map(_parse, texts))
    names = [option.name for option in options]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"--tune {twice}: the option is given twice.")
    return Search(options, trials, flops, prune)


def _parse(text: str) -> SearchedOption:
    name, _, given = text.partition("=")
    if not given:
        return SearchedOption(name)
    low, dots, high = given.partition("..")
    if not dots:
        choices = tuple(choice.strip() for choice in given.split(","))
        if len(set(choices)) < 2 or len(set(choices)) < len(choices) or "" in choices:
            raise UsageError(
                f"--tune {text}: give a range, such as {name}=1e-5..1e-2, or different choices, {name}=A,B."
            )
        return SearchedOption(name, choices=choices)
    try:
        ends = float(low), float(high)
    except ValueError:
        ends = 0.0, 0.0
    if not 0 <= ends[0] < ends[1] < float("inf"):
        raise UsageError(f"--tune {text}: the range must be ascending and not below 0, such as {name}=1e-5..1e-2.")
    return SearchedOption(name, ends)
