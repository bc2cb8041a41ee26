"""A concept that was taught, as callers see it."""

from __future__ import annotations

from localsearch.deferred import dataclass


@dataclass(frozen=True, slots=True)
class Taught:
    """A taught concept and how good it is: each example was judged by a probe without it.

    `found` of the `positives` and `wrong` of the `negatives` reach a probability of a half;
    `sampled` of the negatives were taken at random from the library. `found_low` and `found_high`:
    between these shares of other such photos would be found (95 % interval; wide for few).
    `average_precision`: how well positives rank above negatives, 1 at best; None for a single
    positive. `quality` is "good", "fair" or "poor", and "unknown" below four positives.
    `at_least`: photos below this probability are not found at all. `stored` is False for a dry
    run; `ready` is False where the library's pack knows none of the examples.
    """

    id: str
    name: str
    quality: str
    positives: int
    negatives: int
    sampled: int
    found: int
    found_low: float
    found_high: float
    wrong: int
    average_precision: float | None
    at_least: float
    stored: bool = True
    ready: bool = True
