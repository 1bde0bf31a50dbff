"""The order of captures in which a rig's knobs travel least.

The shortest path through all of them is a travelling salesman's. This is the nearest-neighbour
path, mended as long as it can be by reversing a stretch of it (2-opt: Croes, 1958) or moving a
stretch of up to three, either way round (or-opt: Or, 1976). Only moves that join a capture to one
of its nearest are looked at, and only around what changed last (Bentley, 1992), so twenty thousand
captures are put in order in seconds. Travel may take longer one way than the other: what a
reversed stretch costs is known from running sums of both ways.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from rigs.travel import Points, Travel

Order = NDArray[np.intp]
Costs = NDArray[np.float64]

NEAREST = 10
"""How many of its nearest each capture may be joined to …"""
NEAREST_OF_FEW = 60
"""… and in a short plan."""
TABLE = 1500
"""Up to so many captures all travels are worked out beforehand."""
LEAST_GAIN = 1e-6
"""Seconds: what rounding alone could gain goes round in circles."""
_LONGEST = 3


def way(travel: Travel, starts: NDArray[Any], ends: NDArray[Any], home: NDArray[Any]) -> float:
    """Seconds of travel from ``home``, shape (knobs,), through captures in the order given.

    ``starts`` and ``ends``, shape (captures, knobs), are where each begins and leaves the knobs.
    """
    if not len(starts):
        return 0.0
    before = np.vstack([np.asarray(home)[None], np.asarray(ends)[:-1]])
    return float(travel.seconds(before, np.asarray(starts)).sum())


def least_travel(
    travel: Travel, starts: NDArray[Any], ends: NDArray[Any], home: NDArray[Any]
) -> list[int]:
    """An order of captures, as :func:`way` is given them, that is no longer than the one given.

    The same captures give the same order.
    """
    count = len(starts)
    if count < 2 or not travel.points(np.asarray(starts)).shape[-1]:
        return list(range(count))  # there is no nearer and farther
    net = _Net(travel, starts, ends, home)
    order = _nearest(net)
    as_given = np.arange(count)
    path = _Path(net, order)
    while path.mend():
        pass
    mended = path.order[1:-1]
    if net.length(mended) < net.length(as_given) - LEAST_GAIN:
        return [int(index) for index in mended]
    return list(range(count))


class _Net:
    """Captures 0…count-1, ``home`` as number count, and the end of the path as count + 1."""

    def __init__(
        self, travel: Travel, starts: NDArray[Any], ends: NDArray[Any], home: NDArray[Any]
    ) -> None:
        self.count = len(starts)
        self.home, self.end = self.count, self.count + 1
        rest = np.asarray(home, np.float64)[None]
        self._travel = travel
        # The end's point is never used: to the end from anywhere takes nothing.
        self._starts = travel.points(np.vstack([np.asarray(starts, np.float64), rest, rest]))
        self._ends = travel.points(np.vstack([np.asarray(ends, np.float64), rest, rest]))
        self._table: Costs | None = None
        if self.count <= TABLE:
            self._table = np.array([self._costs(self._ends[a], self._starts) for a in self.all])
            self._table[:, self.end] = 0.0
        self.near = self._nearest()

    @property
    def all(self) -> range:
        return range(self.count + 2)

    def _costs(self, start: Points, target: Points) -> Costs:
        return self._travel.between(start, target)

    def cost(self, a: Order, b: Order) -> Costs:
        """From captures ``a`` to captures ``b``, arrays of numbers of any one shape."""
        if self._table is not None:
            return np.asarray(self._table[a, b])
        return np.where(b == self.end, 0.0, self._costs(self._ends[a], self._starts[b]))

    def length(self, order: Order) -> float:
        path = np.concatenate([[self.home], order])
        return float(self.cost(path[:-1], path[1:]).sum())

    def _nearest(self) -> Order:
        """For each capture, and home, the numbers of those soonest reached from it."""
        count = self.count
        most = min(NEAREST if self._table is None else NEAREST_OF_FEW, count - 1)
        if self._table is not None:
            costs = self._table[: count + 1, :count].copy()
            costs[np.arange(count), np.arange(count)] = np.inf
            return np.argsort(costs, axis=1, kind="stable")[:, :most]
        # As a tree finds them, by distance; there are more than enough of them.
        tree = KDTree(self._starts[:count])
        found = np.asarray(tree.query(self._ends[: count + 1], most + 1)[1])
        own = found == np.arange(count + 1)[:, None]
        own[~own.any(axis=1), -1] = True
        return np.asarray(found[~own].reshape(count + 1, most), np.intp)


def _nearest(net: _Net) -> Order:
    """From home always on to the nearest capture left."""
    left = np.ones(net.count, bool)
    order, here = [], net.home
    for _ in range(net.count):
        some = net.near[here]
        some = some[left[some]]
        if not len(some):
            some = np.flatnonzero(left)
        here = int(some[np.argmin(net.cost(np.full(len(some), here), some))])
        left[here] = False
        order.append(here)
    return np.array(order, np.intp)


class _Path:
    """A path from home through every capture to the end, and its running sums, both ways."""

    def __init__(self, net: _Net, order: Order) -> None:
        self._net = net
        self.order = np.concatenate([[net.home], order, [net.end]]).astype(np.intp)
        self._at = np.empty_like(self.order)
        self._active = np.ones(len(self.order), bool)
        self._onward = net.cost(self.order[:-1], self.order[1:])
        self._back = np.concatenate([[0.0], net.cost(self.order[2:], self.order[1:-1])])
        self._back[-1] = 0.0  # nothing comes from the end
        self._extra = np.zeros(len(self.order))
        """What the path onward takes more, up to each place, than the path back from there."""
        self._sum(0, len(self.order) - 1)

    def _sum(self, low: int, high: int) -> None:
        """After the places from ``low`` to ``high`` have changed hands."""
        self._at[self.order[low : high + 1]] = np.arange(low, high + 1)
        np.cumsum(self._onward - self._back, out=self._extra[1:])

    def mend(self) -> bool:
        """One round over all captures around which something changed; whether any move gained."""
        active = np.flatnonzero(self._active[: self._net.count + 1])
        self._active[:] = False
        gained = False
        for candidates in (self._moves, self._reversals):
            for move in candidates(active):
                gained |= self._try(*move)
                self._active[list(move[:2])] = True  # made or overtaken: look again
        return gained

    # A move is (first, last, after, turned): the captures first…last leave their place, to stand
    # after the place of ``after``, turned round or not; after = -1: they stay, turned round.

    def _reversals(self, nodes: Order) -> list[tuple[int, int, int, bool]]:
        """For each of ``nodes`` the best reversal that joins it to one of its nearest, if any."""
        near, at = self._net.near[nodes], self._at
        here = np.broadcast_to(at[nodes][:, None], near.shape)
        there = at[near]
        found = []
        for shift in (0, 1):  # joined to what now stands after it, or to what now stands before it
            first, last = here + 1 - shift, there - shift
            allowed = (last > first) & (first >= 1)
            found.append((first, last, np.full_like(first, -1), np.ones_like(allowed), allowed))
        return self._best(found)

    def _moves(self, nodes: Order) -> list[tuple[int, int, int, bool]]:
        """For each of ``nodes`` the best move of a stretch that joins it to one of its nearest."""
        near, at, count = self._net.near[nodes], self._at, self._net.count
        here = np.broadcast_to(at[nodes][:, None], near.shape)
        there = at[near]
        found = []
        for more in range(_LONGEST):
            for first, after, turned in (
                (there, here, False),
                (there - more, here, True),
                (here - more, there - 1, False),
                (here, there - 1, True),
            ):
                last = first + more
                allowed = (first >= 1) & (last <= count) & ((after < first - 1) | (after > last))
                turning = np.full(first.shape, turned)
                found.append((first, last, after, turning, allowed))
        return self._best(found)

    def _best(self, found: Sequence[tuple[NDArray[Any], ...]]) -> list[tuple[int, int, int, bool]]:
        columns = [np.concatenate(parts, axis=1) for parts in zip(*found, strict=True)]
        first, last, after, turned, allowed = columns
        gains = np.full(first.shape, -np.inf)
        gains[allowed] = self._gain(first[allowed], last[allowed], after[allowed], turned[allowed])
        best = np.argmax(gains, axis=1)
        rows = np.arange(len(gains))
        top = gains[rows, best]
        chosen = rows[top > LEAST_GAIN]
        chosen = chosen[np.argsort(-top[chosen], kind="stable")]
        place = (chosen, best[chosen])
        stay = after[place] < 0
        # By their names, because places change from move to move.
        names = (
            self.order[first[place]],
            self.order[last[place]],
            np.where(stay, -1, self.order[after[place]]),
            turned[place],
        )
        return list(zip(*(column.tolist() for column in names), strict=True))

    def _gain(self, first: Order, last: Order, after: Order, turned: NDArray[np.bool_]) -> Costs:
        """What moves save, in seconds; arguments are places, arrays of shape (moves,)."""
        net, order, stay = self._net, self.order, after < 0
        head, tail = order[first], order[last]
        head, tail = np.where(turned, tail, head), np.where(turned, head, tail)
        before, behind = order[first - 1], order[last + 1]
        left = np.where(stay, before, order[after])
        right = np.where(stay, behind, order[after + 1])
        saved = self._onward[first - 1] + self._onward[last]
        saved = saved + np.where(stay, 0.0, self._onward[after])
        saved -= net.cost(left, head) + net.cost(tail, right)
        saved -= np.where(stay, 0.0, net.cost(before, behind))
        return np.asarray(saved + np.where(turned, self._extra[last] - self._extra[first], 0.0))

    def _try(self, first: int, last: int, after: int, turned: bool) -> bool:
        """Make a move if it still gains: others may have come before it."""
        at = self._at
        i, j = int(at[first]), int(at[last])
        p = -1 if after < 0 else int(at[after])
        if j < i or (p < 0 and j == i) or (p >= 0 and (j - i >= _LONGEST or i - 1 <= p <= j)):
            return False
        places = (np.array([v]) for v in (i, j, p, turned))
        if self._gain(*places)[0] <= LEAST_GAIN:
            return False
        order = self.order
        piece = order[i : j + 1][::-1].copy() if turned else order[i : j + 1].copy()
        if p < 0:
            low, high = i, j
            order[i : j + 1] = piece
        elif p > j:
            low, high = i, p
            order[i : p + 1] = np.concatenate([order[j + 1 : p + 1], piece])
        else:
            low, high = p + 1, j
            order[p + 1 : j + 1] = np.concatenate([piece, order[p + 1 : i]])
        span = slice(max(0, low - 1), high + 1)
        ends = order[span.start : high + 2]
        self._onward[span] = self._net.cost(ends[:-1], ends[1:])
        self._back[span] = self._net.cost(ends[1:], ends[:-1])
        self._back[0] = self._back[-1] = 0.0
        self._sum(low, high)
        for place in {low - 1, low, low + 1, high - 1, high, high + 1, i - 1, i, j, j + 1}:
            self._active[order[min(max(place, 0), len(order) - 1)]] = True
        return True
