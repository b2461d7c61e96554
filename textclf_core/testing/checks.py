"""The checks of a plugin, by name, for its author's tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from unittest import SkipTest

from textclf_core.errors import PluginError, TextclfError, UsageError, did_you_mean
from textclf_core.hookspecs import ROLE_OF_HOOK
from textclf_core.plugins.hooks import hooks_of
from textclf_core.testing import role_checks
from textclf_core.testing.registry import REGISTERED, Function
from textclf_core.testing.subject import Subject


@dataclass(frozen=True)
class Check:
    """One check of one plugin; calling it raises an error that says what is wrong and what to change."""

    name: str
    about: str
    """What holds if it passes."""
    subject: Subject = field(repr=False)
    function: Function = field(repr=False)
    skipped: str | None = None
    """Why it is skipped."""

    @property
    def __name__(self) -> str:
        """The name, which pytest takes as the id of a parameter."""
        return self.name

    def __call__(self) -> None:
        """Run the check.

        Raises:
            PluginError: it fails; the message lists the faults and what to change.
            SkipTest: it is skipped, which pytest and unittest report as such.
        """
        if self.skipped is not None:
            raise SkipTest(self.skipped)
        if faults := self.faults():
            listed = "".join(f"\n  - {fault}" for fault in faults)
            raise PluginError(f"{self.subject.name} fails {self.name} ({self.about}):{listed}")

    def faults(self) -> list[str]:
        """Return the faults, each as a sentence with what to change."""
        try:
            return list(self.function(self.subject))
        except TextclfError as error:  # of the plugin, or of the checks of what it returns
            return [str(error)]
        except (ValueError, TypeError, LookupError, AttributeError) as error:  # arrays of another shape, for example
            return [f"what it returned can't be checked ({error!r}); mend what the other checks report first."]


def plugin_checks(cls: type, /, *, skip: Mapping[str, str] | None = None, **options: object) -> list[Check]:
    """Return the checks of a plugin, for ``pytest.mark.parametrize``.

    >>> @pytest.mark.parametrize("check", plugin_checks(FreezeEverySecond, first=1))
    ... def test_it_keeps_the_contract(check: Check) -> None:
    ...     check()

    They follow from the hooks that the class implements. A class that can't be loaded at all has only the checks that
    say why. The models and data are tiny, and nothing is downloaded; a trainer trains a few seconds in each kind of
    task that its ``textclf_check_task`` doesn't refuse.

    Args:
        cls: the plugin's class.
        skip: reasons by the names of checks that are skipped.
        options: values of its options. A trainer that inherits ``Recipe`` gets epochs and a learning rate with which it
            can learn tiny data, unless these are given.

    Raises:
        UsageError: an option is invalid, or there is no check of a skipped name.
    """
    hooks, skip = hooks_of(cls), skip or {}
    names = {one.name for one in REGISTERED}
    for name in skip:
        if name not in names:
            raise UsageError(f"There is no check {name!r}.{did_you_mean(name, names)}")
    subject = Subject(cls, options)
    basic = (role_checks.every.hooks_fit, role_checks.every.fields_are_options)
    loads = not any(fault for function in basic for fault in function(subject))
    if loads:
        assert subject.plugin  # refuses invalid options
    chosen = [one for one in REGISTERED if (one.applies(hooks) if loads else one.function in basic)]
    return [
        Check(one.name, (one.function.__doc__ or "").strip(), subject, one.function, skip.get(one.name))
        for one in chosen
    ]


def unchecked_hooks(cls: type) -> tuple[str, ...]:
    """Return the hooks of a class, among those that give a role, that no check calls."""
    checked = {hook for one in REGISTERED for hook in one.hooks}
    return tuple(hook for hook in hooks_of(cls) if hook in ROLE_OF_HOOK and hook not in checked)
