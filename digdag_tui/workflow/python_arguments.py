"""The arguments of a Python function, and what its source says of their values."""

from __future__ import annotations

import ast
from typing import Literal, TypeAlias

from msgspec import Struct

Kind: TypeAlias = Literal["number", "text", "boolean", "object", "list"]

_KINDS: dict[str, Kind] = {
    "int": "number", "float": "number", "complex": "number", "Decimal": "number", "str": "text", "bool": "boolean",
    "dict": "object", "Dict": "object", "Mapping": "object", "list": "list", "List": "list", "tuple": "list",
    "Tuple": "list", "Sequence": "list", "set": "list", "Iterable": "list",
}  # fmt: skip
_CONVERTERS = ("int", "float", "bool", "str", "Decimal", "loads", "literal_eval", "isinstance")
_NUMERIC = (ast.Sub, ast.Div, ast.FloorDiv, ast.Pow)
_ORDER = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
Definition: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


class Argument(Struct, frozen=True):
    """An argument of a function, which catches the param of its name.

    `default` is its source text, None for an argument that must be given. `kind` is what its annotation, its default or
    its use says of its values. `converts` tells that the function makes another type of it.
    """

    name: str
    default: str | None = None
    kind: Kind | None = None
    converts: bool = False

    def __str__(self) -> str:
        return self.name if self.default is None else f"{self.name}={self.default}"


def argument_of(node: Definition, argument: ast.arg, default: ast.expr | None) -> Argument:
    """An argument as the function has it."""
    name = argument.arg
    kind = _annotated(argument.annotation) or _literal(default) or _used_as_number(node, name)
    converts = any(
        isinstance(call, ast.Call)
        and getattr(call.func, "id", getattr(call.func, "attr", "")) in _CONVERTERS
        and any(isinstance(given, ast.Name) and given.id == name for given in call.args)
        for call in ast.walk(node)
    )
    return Argument(name, None if default is None else ast.unparse(default), kind, converts)


def _annotated(annotation: ast.expr | None) -> Kind | None:
    match annotation:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return _KINDS.get(name)
        case ast.Subscript(value=ast.Name(id="Optional") | ast.Attribute(attr="Optional"), slice=inner):
            return _annotated(inner)
        case ast.Subscript(value=outer):
            return _annotated(outer)
        case ast.BinOp(left=left, op=ast.BitOr(), right=ast.Constant(value=None)):
            return _annotated(left)
        case ast.Constant(value=str() as text):
            try:
                return _annotated(ast.parse(text, mode="eval").body)
            except SyntaxError:
                return None
        case _:
            return None


def _literal(default: ast.expr | None) -> Kind | None:
    match default:
        case ast.Constant(value=bool()):
            return "boolean"
        case ast.Constant(value=int() | float()):
            return "number"
        case ast.Constant(value=str()):
            return "text"
        case ast.Dict():
            return "object"
        case ast.List() | ast.Tuple():
            return "list"
        case _:
            return None


def _used_as_number(node: Definition, name: str) -> Kind | None:
    """`number` for what is subtracted, divided, compared with a number or given to `range`."""

    def is_it(part: ast.expr) -> bool:
        return isinstance(part, ast.Name) and part.id == name

    def is_number(part: ast.expr) -> bool:
        return _literal(part) == "number" or (isinstance(part, ast.BinOp) and isinstance(part.op, _NUMERIC))

    for part in ast.walk(node):
        match part:
            case ast.BinOp(left=left, op=operation, right=right) if isinstance(operation, _NUMERIC):
                found = is_it(left) or is_it(right)
            case ast.Compare(left=left, ops=[operation], comparators=[right]) if isinstance(operation, _ORDER):
                found = (is_it(left) and is_number(right)) or (is_it(right) and is_number(left))
            case ast.Call(func=ast.Name(id="range"), args=arguments):
                found = any(map(is_it, arguments))
            case _:
                found = False
        if found:
            return "number"
    return None
