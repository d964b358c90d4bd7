"""Every state that a model can reach, each looked at once: breadth first, so that a way to a bad one is a shortest."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Hashable, Iterable
from typing import Generic, NamedTuple, TypeVar

S = TypeVar("S", bound=Hashable)


class Found(NamedTuple):
    """What came of it.

    Attributes:
        states: How many states there are (until the first bad one).
        steps: How many steps lead from one to another.
        terminal: How many of the states are ends.
        problem: What is wrong with the first bad state; "" if there is none.
        way: The names of the steps to it.
    """

    states: int
    steps: int
    terminal: int
    problem: str = ""
    way: tuple[str, ...] = ()


class Explorer(Generic[S]):
    """Explores a model.

    Args:
        successors: The steps from a state: their names, and where each leads.
        problem: What is wrong with a state, "" if nothing.
        is_end: Whether a state is one in which all is well and nothing more is to be done. From every state one of
            these must be reachable.
    """

    def __init__(
        self,
        successors: Callable[[S], Iterable[tuple[str, S]]],
        problem: Callable[[S], str],
        is_end: Callable[[S], bool],
    ) -> None:
        self._successors = successors
        self._problem = problem
        self._is_end = is_end

    def explore(self, first: S) -> Found:
        """Look at every state that can be reached from the first one."""
        states, numbers, ends = [first], {first: 0}, []
        sources, targets = array("q"), array("q")
        parents = array("q", [-1])
        for number, state in enumerate(states):  # which grows
            if problem := self._problem(state):
                return Found(
                    len(states),
                    len(targets),
                    len(ends),
                    problem,
                    self._way(states, parents, number),
                )
            if self._is_end(state):
                ends.append(number)
            for _, after in self._successors(state):
                target = numbers.setdefault(after, len(states))
                if target == len(states):
                    states.append(after)
                    parents.append(number)
                sources.append(number)
                targets.append(target)
        stuck = _first_that_never_ends(len(states), sources, targets, ends)
        if stuck is None:
            return Found(len(states), len(targets), len(ends))
        way = self._way(states, parents, stuck)
        return Found(len(states), len(targets), len(ends), "no good end can be reached", way)

    def _way(self, states: list[S], parents: array[int], number: int) -> tuple[str, ...]:
        way = []
        while (parent := parents[number]) >= 0:
            names = [
                name for name, after in self._successors(states[parent]) if after == states[number]
            ]
            way.append(names[0])
            number = parent
        return tuple(reversed(way))


def _first_that_never_ends(
    states: int, sources: array[int], targets: array[int], ends: list[int]
) -> int | None:
    """The first state from which no end can be reached; None if there is none."""
    before: list[list[int]] = [[] for _ in range(states)]
    for source, target in zip(sources, targets, strict=True):
        before[target].append(source)
    seen, waiting = bytearray(states), list(ends)
    for end in ends:
        seen[end] = 1
    while waiting:
        for source in before[waiting.pop()]:
            if not seen[source]:
                seen[source] = 1
                waiting.append(source)
    stuck = seen.find(0)
    return None if stuck < 0 else stuck
