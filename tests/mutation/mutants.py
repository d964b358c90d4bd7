"""Small changes to a module's source, each of which a test should notice."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_ALONE = ("annotation", "returns", "decorator_list", "type_params")
_WRITES = ("INSERT", "UPDATE", "DELETE")
Change = Callable[[ast.AST], None]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module with one change.

    Attributes:
        line: Where it is, from 1.
        what: What was there, and what is there now.
        source: The whole module.
    """

    line: int
    what: str
    source: str


def mutants(source: str) -> Iterator[Mutant]:
    """All mutants of a module. Texts, annotations and named constants stay as they are: they are no logic."""
    tree = ast.parse(source)
    _mark_statements(tree)
    for number, node in enumerate(ast.walk(tree)):
        for change in _changes(node):
            changed = copy.deepcopy(tree)
            there = next(one for at, one in enumerate(ast.walk(changed)) if at == number)
            before = ast.unparse(_statement(node))
            change(there)
            ast.fix_missing_locations(changed)
            after = ast.unparse(_statement(there))
            if before != after:
                yield Mutant(_line(node), _difference(before, after), ast.unparse(changed))


def _line(node: ast.AST) -> int:
    return int(getattr(node, "lineno", 0) or _statement(node).lineno)


def _mark_statements(tree: ast.AST) -> None:
    """Let each node know its statement, and whether it is one of what is left alone."""
    waiting: list[tuple[ast.AST, ast.stmt | None, bool]] = [(tree, None, False)]
    while waiting:
        node, statement, alone = waiting.pop()
        if isinstance(node, ast.stmt):
            statement = node
        node.statement, node.alone = statement, alone  # type: ignore[attr-defined]
        for name, value in ast.iter_fields(node):
            children = value if isinstance(value, list) else [value]
            left = alone or name in _ALONE or _is_constant(node, statement)
            waiting += [
                (child, statement, left) for child in children if isinstance(child, ast.AST)
            ]


def _is_constant(node: ast.AST, statement: ast.stmt | None) -> bool:
    """Whether a node gives a constant its name, or guards what only types need."""
    names: list[ast.expr] = []
    if isinstance(node, ast.Assign | ast.AnnAssign) and node is statement:
        names = node.targets if isinstance(node, ast.Assign) else [node.target]
    if isinstance(node, ast.If):
        return ast.unparse(node.test) == "TYPE_CHECKING"
    return bool(names) and all(isinstance(name, ast.Name) and name.id.isupper() for name in names)


def _statement(node: ast.AST) -> ast.stmt:
    return node.statement  # type: ignore[attr-defined, no-any-return]


def _changes(node: ast.AST) -> Iterator[Change]:  # noqa: C901  # one branch for each kind of node
    if node.alone or (isinstance(node, ast.If) and _is_constant(node, None)):  # type: ignore[attr-defined]
        return
    if isinstance(node, ast.Compare):
        yield from (_swap_comparison(place) for place in range(len(node.ops)))
    elif isinstance(node, ast.BoolOp):
        yield _swap_bool
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield _double_not
    elif isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in _OPERATORS:
        if not _is_text(node):
            yield _swap_operator
    elif isinstance(node, ast.Constant):
        yield from _constant_changes(node)
    elif isinstance(node, ast.If | ast.IfExp | ast.While):
        yield _negate_test
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call | ast.Await):
        yield _drop_value
    elif isinstance(node, ast.Return) and node.value is not None:
        if not (isinstance(node.value, ast.Constant) and node.value.value is None):
            yield _return_none
    elif isinstance(node, ast.Continue | ast.Break):
        yield _swap_jump
    elif isinstance(node, ast.Raise):
        yield _drop_raise


def _is_text(node: ast.BinOp | ast.AugAssign) -> bool:
    sides = (node.left, node.right) if isinstance(node, ast.BinOp) else (node.value,)
    return any(
        isinstance(side, ast.JoinedStr)
        or (isinstance(side, ast.Constant) and isinstance(side.value, str))
        for side in sides
    )


def _constant_changes(node: ast.Constant) -> Iterator[Change]:
    value = node.value
    if isinstance(value, bool):
        yield _set(not value)
    elif isinstance(value, int | float):
        yield _set(value + 1)
    elif isinstance(value, str) and value.lstrip().startswith(_WRITES):
        yield _set("SELECT 1 WHERE 0 IN (" + ", ".join("?" * value.count("?")) + ")")


def _set(value: object) -> Change:
    def change(node: ast.AST) -> None:
        node.value = value  # type: ignore[attr-defined]

    return change


def _swap_comparison(place: int) -> Change:
    def change(node: ast.AST) -> None:
        ops = node.ops  # type: ignore[attr-defined]
        ops[place] = _COMPARISONS[type(ops[place])]()

    return change


def _swap_bool(node: ast.AST) -> None:
    node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()  # type: ignore[attr-defined]


def _double_not(node: ast.AST) -> None:
    node.operand = ast.UnaryOp(ast.Not(), node.operand)  # type: ignore[attr-defined]


def _swap_operator(node: ast.AST) -> None:
    node.op = _OPERATORS[type(node.op)]()  # type: ignore[attr-defined]


def _negate_test(node: ast.AST) -> None:
    node.test = ast.UnaryOp(ast.Not(), node.test)  # type: ignore[attr-defined]


def _drop_value(node: ast.AST) -> None:
    node.value = ast.Constant(None)  # type: ignore[attr-defined]


def _return_none(node: ast.AST) -> None:
    node.value = ast.Constant(None)  # type: ignore[attr-defined]


def _swap_jump(node: ast.AST) -> None:
    node.__class__ = ast.Break if isinstance(node, ast.Continue) else ast.Continue


def _drop_raise(node: ast.AST) -> None:
    node.__class__ = ast.Expr
    node.value = ast.Constant(None)  # type: ignore[attr-defined]


def _difference(before: str, after: str) -> str:
    """The first line that differs, before and after."""
    pairs = zip(before.splitlines(), after.splitlines(), strict=False)
    one, other = next(((a, b) for a, b in pairs if a != b), (before, after))
    return f"{one.strip()}  ->  {other.strip()}"
