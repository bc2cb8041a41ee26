"""Which provider runs a network: the one that is named, else the first of a row that proves itself.

Never opens a network by itself: what is opened, and how it proves itself, comes as a function.
Invariant: a provider that was named runs it, or there is an error; what `auto` passes over stands
in the Choice, with its reason.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from localsearch.deferred import NamedTuple
from localsearch.encoders import providers
from localsearch.encoders.providers import (
    AUTO_WORD,
    Provider,
    check_word,
    cures_of,
    provider_named,
    why_absent,
)
from localsearch.errors import PackProvider
from localsearch.log import logger

T = TypeVar("T")


class Choice(NamedTuple):
    """What was asked for, what runs, and why none of those before it.

    `passed_over`: (word, reason) of each that `auto` would have preferred. `warning` is a sentence
    where one of them should have run here and does not; empty on a machine that has none.
    """

    asked: str
    runs: str
    passed_over: tuple[tuple[str, str], ...] = ()
    warning: str = ""


def opened_on(word: str, open_on: Callable[[Provider], T]) -> tuple[T, Choice]:
    """What `open_on` gives for the provider of that word; for "auto", for the first of AUTO that
    works: it is built in, and `open_on` does not raise PackProvider for it.

    Raises InputError for a word that is none, PackProvider where the one that was named cannot
    run (auto: not even the last of AUTO). What auto passes over although it is built in, or
    installed and hidden, is logged as a warning too.
    """
    check_word(word)
    if word != AUTO_WORD:
        return _surely(provider_named(word), open_on), Choice(word, word)
    passed: list[tuple[str, str]] = []
    loud: list[tuple[str, str]] = []
    *preferred, last = map(provider_named, providers.AUTO)
    for provider in preferred:
        why, meant = why_absent(provider)
        if not why:
            try:
                return open_on(provider), _choice(provider, passed, loud)
            except PackProvider as fault:
                why, meant = fault.message, True
        passed.append((provider.word, why))
        loud += [passed[-1]] * meant
    return _surely(last, open_on), _choice(last, passed, loud)


def _choice(
    provider: Provider, passed: list[tuple[str, str]], loud: list[tuple[str, str]]
) -> Choice:
    told = [f"{word} cannot be used, {provider.word} is: {why}" for word, why in loud]
    for line in told:
        logger().warning("%s", line)
    return Choice(AUTO_WORD, provider.word, tuple(passed), "; ".join(told))


def _surely(provider: Provider, open_on: Callable[[Provider], T]) -> T:
    """What is opened on a provider that there is no way around."""
    why, _ = why_absent(provider)
    if why:
        hint = ", then ".join(cures_of(provider))
        raise PackProvider(f"provider {provider.word} cannot run: {why}", hint=hint)
    try:
        return open_on(provider)
    except PackProvider as fault:
        if fault.hint or not provider.libraries:
            raise
        raise PackProvider(fault.message, hint=f"it needs {provider.libraries}") from fault
