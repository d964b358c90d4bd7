"""The check of rows against a project's input and output spec.

It is advisory: a pool keeps the project version that it was created under, so the spec read today may ask more
or less than the pool does. Where documents are unsure, the check lets a value pass and the API decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from toloka_upload.check import faults
from toloka_upload.check.fields import Check, Fields, Holds, Note
from toloka_upload.rows.model import Fault


def _unnoted(_: str) -> None:
    """Nobody wants to know."""


_SOLUTIONS = ("known_solutions", "baseline_solutions")


class Spec:
    """A project's `task_spec`, compiled once; its checks take values as `orjson.loads` makes them.

    - Type names are compared without case; a value of an unknown type is not checked.
    - `required` counts only where it is stated true; null stands for a missing value.
    - `integer` takes JSON integers of any size. The parser makes floats of those past 64 bits, so a float of
      2**63 or more passes (`1e22` too, which looks the same), and any smaller one (`1.0`) does not.
    - String length is counted in code points; a `pattern` is for the whole string.
    - Elements of `array_<type>` are checked one by one: `input_values.tags.2`.
    - A spec without fields, or none at all, means no check of those values.

    Every check answers with all faults of what it was given (the first `faults.MOST_FAULTS` are named), or with the
    shared empty tuple. What has the wrong shape (values that are no object) is left to
    `toloka_upload.check.structure`.

    Attributes:
        check_input: Check the input values of one task: `check_input(values, prefix="input_values.")`.
        inputs_hold: Whether it finds nothing in any of many: `inputs_hold([values, ...])`.
    """

    check_input: Check

    def __init__(self, inputs: Fields | None, outputs: Fields | None) -> None:
        self.check_input = inputs.check if inputs else _anything
        self.inputs_hold: Holds = inputs.hold if inputs else _all_hold
        self._check_output: Check = outputs.check if outputs else _anything
        self._outputs_hold: Holds = outputs.hold if outputs else _all_hold

    @classmethod
    def compile(cls, task_spec: Mapping[str, Any], note: Note = _unnoted) -> Spec:
        """Compile the `task_spec` of a project (`{"input_spec": {...}, "output_spec": {...}}`).

        `note` is told, in words, what of the spec the check leaves out: now, or when a row first shows it.
        """

        def fields(side: str, prefix: str) -> Fields | None:
            spec = task_spec.get(side)
            if not isinstance(spec, Mapping) or not spec:
                return None
            return Fields.compile(spec, prefix, note)

        inputs = fields("input_spec", "input_values.")
        outputs = fields("output_spec", "output_values.")
        return cls(inputs, outputs)

    def check_task(self, task: dict[str, Any], prefix: str = "") -> Sequence[Fault]:
        """Check a task: its input values, and the answers in its known and baseline solutions.

        `prefix` is the path of the task with its dot (`tasks.0.`), empty for a task of its own.
        """
        found: Sequence[Fault] = faults.NO_FAULTS
        values = task.get("input_values")
        if type(values) is dict:
            found = self.check_input(values, prefix + "input_values.")
        if len(task) == 1 or not ("known_solutions" in task or "baseline_solutions" in task):
            return found
        return faults.first_of(chain(found, self._solution_faults(task, prefix)))

    def check_suite(self, suite: dict[str, Any]) -> Sequence[Fault]:
        """Check every task of a suite; paths begin with `tasks.<index from 0>.`."""
        tasks = suite.get("tasks")
        return faults.first_of(self._suite_faults(tasks if isinstance(tasks, list) else []))

    def tasks_hold(self, columns: Mapping[str, Sequence[Any]]) -> bool:
        """Whether `check_task` finds nothing in any of many tasks with the same members, of a right structure."""
        return self.inputs_hold(columns["input_values"]) and all(
            self._outputs_hold(_answers(columns[name])) for name in _SOLUTIONS if name in columns
        )

    def suites_hold(self, columns: Mapping[str, Sequence[Any]]) -> bool:
        """The same for task suites."""
        tasks = list(chain.from_iterable(columns["tasks"]))
        return self.inputs_hold([task["input_values"] for task in tasks]) and all(
            self._outputs_hold(_answers([task[name] for task in tasks if name in task]))
            for name in _SOLUTIONS
        )

    def _suite_faults(self, tasks: list[Any]) -> Iterator[Fault]:
        for index, task in enumerate(tasks):
            if isinstance(task, dict):
                yield from self.check_task(task, f"tasks.{index}.")

    def _solution_faults(self, task: dict[str, Any], prefix: str) -> Iterator[Fault]:
        for name in _SOLUTIONS:
            solutions = task.get(name)
            for index, solution in enumerate(solutions if isinstance(solutions, list) else ()):
                values = solution.get("output_values") if isinstance(solution, dict) else None
                if isinstance(values, dict):
                    path = f"{prefix}{name}.{index}.output_values."
                    yield from self._check_output(values, path)


def _answers(solutions: Iterable[Any]) -> list[dict[str, Any]]:
    """The values of known or baseline solutions, of which each task has a list or none."""
    return [solution["output_values"] for of_task in solutions if of_task for solution in of_task]


def _all_hold(many: Iterable[dict[str, Any]]) -> bool:  # noqa: ARG001
    return True


def _anything(values: dict[str, Any], prefix: str = "") -> Sequence[Fault]:  # noqa: ARG001
    return faults.NO_FAULTS
