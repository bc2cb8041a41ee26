"""A regularised logistic regression on unit vectors, with each example's value as left out.

Pure arithmetic in double precision: knows no photo and no probability of a concept. In its dual
form, because examples are hundreds and dimensions are too: with the Gram matrix K, the examples'
weights s and a penalty c on the squared weights it minimises

    sum s_i log(1 + exp(-(+-1) f_i)) + c/2 |w|^2,   f = K a + b,  w = X' a

by Newton's steps. At the minimum f is linear in the working response z = f + (y - p) / (p (1 - p)):
a = A z. So what f_i would be had example i been left out follows at once, f_i = z_i - a_i / A_ii
(Cawley and Talbot 2008, "Efficient approximate leave-one-out cross-validation for kernel logistic
regression"): one inverse instead of as many fits as there are examples.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from localsearch.deferred import NamedTuple
from localsearch.scores import Floats, sigmoid

if TYPE_CHECKING:
    import numpy.typing as npt

_STEPS: Final = 30  # Newton's; five to eight are usual
_DONE: Final = 1e-5  # a step that changes no f by more ends it
_SMALLEST: Final = 1e-3  # part of a step that is tried
_EQUAL: Final = 1e-12  # losses that differ by less are the same
# Below this p (1 - p) an example pulls no more, and its working response would run away.
_LEAST: Final = 1e-6


class Fit(NamedTuple):
    """`weights` float64 [D] and `bias`; `left_out` [n] is f of each example without it."""

    weights: Floats
    bias: float
    left_out: Floats


class _State(NamedTuple):
    """Where Newton's steps stand: f and the dual a, both [n], and the bias."""

    f: Floats
    a: Floats
    bias: float


def fits(
    vectors: Floats, positive: npt.NDArray[np.bool_], shares: Floats, penalties: Sequence[float]
) -> list[Fit]:
    """The regression of examples `vectors` [n, D] with weights `shares` [n] > 0, a penalty each.

    There is at least one positive and one negative. Each begins where the one before ended.
    """
    gram, y = vectors @ vectors.T, positive.astype(np.float64)
    state = _State(np.zeros(len(y)), np.zeros(len(y)), 0.0)
    found = []
    for penalty in penalties:
        state = _solved(gram, y, shares, penalty, state)
        left_out = _left_out(gram, y, shares, penalty, state)
        found.append(Fit(vectors.T @ state.a, state.bias, left_out))
    return found


def left_out_loss(fit: Fit, positive: npt.NDArray[np.bool_], shares: Floats) -> float:
    """The mean logarithmic loss of the examples as left out: what a penalty is chosen by."""
    signed = np.where(positive, fit.left_out, -fit.left_out)
    return float(np.average(np.logaddexp(0.0, -signed), weights=shares))


def _solved(gram: Floats, y: Floats, shares: Floats, penalty: float, state: _State) -> _State:
    for _ in range(_STEPS):
        after = _step(gram, y, shares, penalty, state)
        moved = float(np.abs(after.f - state.f).max())
        state = after
        if moved < _DONE:
            break
    return state


def _step(gram: Floats, y: Floats, shares: Floats, penalty: float, state: _State) -> _State:
    """One of Newton's steps, halved until the loss does not grow."""
    weights, z = _working(y, shares, state.f)
    root = np.sqrt(weights)
    inner = root[:, None] * gram * root + penalty * np.eye(len(y))
    wanted = root[:, None] * np.stack([z, np.ones(len(z))], axis=1)
    solved = root[:, None] * np.linalg.solve(inner, wanted)
    bias = float(solved[:, 0].sum() / solved[:, 1].sum())
    a = solved[:, 0] - bias * solved[:, 1]
    goal = _State(gram @ a + bias, a, bias)
    before, share = _loss(y, shares, penalty, state), 1.0
    while share > _SMALLEST:
        tried = _between(state, goal, share)
        if _loss(y, shares, penalty, tried) <= before + _EQUAL * abs(before):
            return tried
        share /= 2
    return state


def _between(state: _State, goal: _State, share: float) -> _State:
    return _State(
        state.f + share * (goal.f - state.f),
        state.a + share * (goal.a - state.a),
        state.bias + share * (goal.bias - state.bias),
    )


def _working(y: Floats, shares: Floats, f: Floats) -> tuple[Floats, Floats]:
    """The weights and responses of the least squares that a step solves."""
    p = sigmoid(f)
    curve = np.maximum(p * (1.0 - p), _LEAST)
    return shares * curve, f + (y - p) / curve


def _loss(y: Floats, shares: Floats, penalty: float, state: _State) -> float:
    signed = np.where(y > 0.5, state.f, -state.f)
    pull = penalty / 2 * float(state.a @ (state.f - state.bias))
    return float(shares @ np.logaddexp(0.0, -signed)) + pull


def _left_out(gram: Floats, y: Floats, shares: Floats, penalty: float, state: _State) -> Floats:
    weights, z = _working(y, shares, state.f)
    root = np.sqrt(weights)
    inner = root[:, None] * gram * root + penalty * np.eye(len(y))
    inverse = root[:, None] * np.linalg.inv(inner) * root
    ones = inverse.sum(axis=1)
    diagonal = np.diagonal(inverse) - ones * ones / ones.sum()
    left_out: Floats = z - (inverse @ z - ones * (ones @ z) / ones.sum()) / diagonal
    return left_out
