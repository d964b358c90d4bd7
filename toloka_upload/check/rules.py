"""What a value must be, as rules that are Python expressions.

Each rule is written once, as an expression over `value`. The slow path evaluates the expressions one by one to name
the fault; the fast path (`toloka_upload.check.fields`) joins them into one generated function. Text from a spec is
never part of an expression: it takes part only as a constant, bound by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from toloka_upload.check import faults
from toloka_upload.hints import fix_of


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that must be true of a value.

    Attributes:
        expression: True where `value` keeps the rule; `{bound}` stands for the constant of that name.
        code: The API's code for a value that breaks it.
        message: What the value must be.
        bound: Constants that the expression uses.
        actual: Tells what the value is instead; None: the message is complete without.
    """

    expression: str
    code: str
    message: str
    bound: Mapping[str, Any]
    actual: Callable[[Any], object] | None = faults.shown

    def complaint(self, value: Any) -> tuple[str, str]:
        """Code and message for a value that breaks the rule."""
        fix = fix_of(self.code, value)
        if self.actual is None:
            return self.code, f"{self.message}{fix}"
        return self.code, f"{self.message}, not {self.actual(value)}{fix}"

    def compiled(self) -> Callable[[Any], bool]:
        """The rule as a function."""
        text = self.expression.format_map({name: name for name in self.bound})
        holds: Callable[[Any], bool] = eval(f"lambda value: {text}", dict(self.bound))  # noqa: S307
        return holds


class Rules:
    """The rules of one value: its JSON type first, then its limits. The first broken one is told.

    `simple` says that the value is a scalar: the API has a code of its own for arrays and objects there.
    """

    def __init__(self, rules: tuple[Rule, ...], *, simple: bool) -> None:
        self._rules = [(rule, rule.compiled()) for rule in rules]
        self._simple = simple

    def complaint(self, value: Any) -> tuple[str, str] | None:
        """Code and message of the first rule that `value` breaks."""
        for rule, holds in self._rules:
            if not holds(value):
                if self._simple and isinstance(value, list | dict):
                    return "SIMPLE_VALUE_EXPECTED", faults.SIMPLE
                return rule.complaint(value)
        return None

    def expression(self, suffix: str, bound: dict[str, Any]) -> str:
        """All rules as one expression, their constants added to `bound` under names that end in `suffix`."""
        parts = []
        for index, (rule, _) in enumerate(self._rules):
            names = {name: f"{name}_{index}_{suffix}" for name in rule.bound}
            bound.update((names[name], constant) for name, constant in rule.bound.items())
            parts.append(f"({rule.expression.format_map(names)})")
        return " and ".join(parts) or "value is not None"
