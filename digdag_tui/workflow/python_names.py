"""What the names of a Python module or class may stand for once its body has run, what is below `if` and `try` too."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from msgspec import Struct

Definition: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
SCOPES: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class Imported(Struct, frozen=True):
    """What an import makes of a name: a module, or the `name` in it."""

    module: str
    name: str | None
    line: int


Meaning: TypeAlias = Definition | ast.ClassDef | ast.expr | Imported | ast.stmt | None
"""A definition, the value of an assignment, an import, a statement that only running it tells, or None: not there."""
Names: TypeAlias = dict[str, tuple[Meaning, ...]]
"""All that each name may mean. `*` has the imports of all names of a module."""


def names_in(body: Sequence[ast.stmt], package: str = "") -> Names:
    """The names that a body of statements leaves.

    Args:
        package: the dotted name of the package that relative imports start from.
    """
    return _Body(package).run(body, {})


class _Body:
    def __init__(self, package: str) -> None:
        self.package = package

    def run(self, body: Iterable[ast.stmt], names: Names) -> Names:
        """`names` as they are after the statements."""
        names = dict(names)
        for node in body:
            names = self.statement(node, names)
        return names

    def statement(self, node: ast.stmt, names: Names) -> Names:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names[name] = (node,)
            case ast.Import() | ast.ImportFrom():
                self.imports(node, names)
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self.assign(target, value, node, names)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self.assign(target, value, node, names)
            case ast.AugAssign(target=ast.Name(id=name)):
                names[name] = (node,)
            case ast.Delete(targets=targets):
                names.update({target.id: (None,) for target in targets if isinstance(target, ast.Name)})
            case ast.If(test=test, body=body, orelse=other):
                truth = _truth(test)
                branches = [body, other] if truth is None else [body if truth else other]
                ways = [branch for branch in branches if _goes_on(branch)] or branches
                return _either(*(self.run(way, names) for way in ways))
            case ast.Try() | ast.TryStar():
                return self.tries(node, names)
            case ast.With(items=items, body=body) | ast.AsyncWith(items=items, body=body):
                for item in items:
                    self.assign(item.optional_vars, None, node, names)
                inside = self.run(body, names)
                return _either(names, inside) if any(map(_suppresses, items)) else inside
            case ast.For(target=target, body=body) | ast.AsyncFor(target=target, body=body):
                inside = dict(names)
                self.assign(target, None, node, inside)
                return self.run(node.orelse, _either(names, self.run(body, inside)))
            case ast.While(body=body):
                return self.run(node.orelse, _either(names, self.run(body, names)))
            case ast.Match(cases=cases):
                return _either(names, *(self.run(case.body, names) for case in cases))
            case _:
                pass
        return names

    def tries(self, node: ast.Try | ast.TryStar, names: Names) -> Names:
        inside = self.run(node.body, names)
        ends = [self.run(node.orelse, inside)] if _goes_on(node.orelse) else []
        failed = _either(names, inside)
        ends += [self.run(handler.body, failed) for handler in node.handlers if _goes_on(handler.body)]
        return self.run(node.finalbody, _either(*(ends or [inside])))

    def assign(self, target: ast.expr | None, value: ast.expr | None, node: ast.stmt, names: Names) -> None:
        match target:
            case ast.Name(id=name):
                names[name] = (value or node,)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                for part in parts:
                    self.assign(part, None, node, names)
            case ast.Starred(value=part):
                self.assign(part, None, node, names)
            case _:
                pass

    def imports(self, node: ast.Import | ast.ImportFrom, names: Names) -> None:
        for alias in node.names:
            if isinstance(node, ast.Import):
                top = alias.name.partition(".")[0]
                names[alias.asname or top] = (Imported(alias.name if alias.asname else top, None, node.lineno),)
            elif alias.name == "*":
                star = Imported(origin(node, self.package), None, node.lineno)
                names["*"] = (*names.get("*", ()), star)
            else:
                names[alias.asname or alias.name] = (Imported(origin(node, self.package), alias.name, node.lineno),)


def origin(node: ast.ImportFrom, package: str) -> str:
    """The dotted name of the module that `from ... import` takes names from, in a module of `package`."""
    parts = package.split(".")
    above = parts[: len(parts) - node.level + 1] if node.level else []
    return ".".join(filter(None, [*above, node.module]))


def _either(*ends: Names) -> Names:
    """The names after one of several ways was gone; a name that one of them lacks may be missing."""
    if len(ends) == 1:
        return ends[0]
    found: Names = {}
    for name in dict.fromkeys(name for names in ends for name in names):
        lacking: tuple[Meaning, ...] = () if name == "*" else (None,)
        meanings = [meaning for names in ends for meaning in names.get(name, lacking)]
        found[name] = tuple(dict.fromkeys(meanings))
    return found


def _goes_on(body: Sequence[ast.stmt]) -> bool:
    """Whether what stands behind a body may be reached from it."""
    return not (body and isinstance(body[-1], ast.Raise))


def _truth(test: ast.expr) -> bool | None:
    """What a condition comes to in a module that is imported; None where only a run tells."""
    match test:
        case ast.Constant(value=value):
            return bool(value)
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return False
        case ast.Compare(left=ast.Name(id="__name__"), ops=[ast.Eq()], comparators=[ast.Constant(value="__main__")]):
            return False
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            truth = _truth(operand)
            return None if truth is None else not truth
        case _:
            return None


def _suppresses(item: ast.withitem) -> bool:
    match item.context_expr:
        case ast.Call(func=ast.Name(id="suppress") | ast.Attribute(attr="suppress")):
            return True
        case _:
            return False
