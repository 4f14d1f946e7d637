"""The arguments of a Python function, and what its source says of their values."""

from __future__ import annotations

import ast
from typing import Literal, TypeAlias

from msgspec import Struct

from .config import Value
from .errors import Position
from .python_names import Definition

Wants: TypeAlias = Literal["number", "text", "boolean", "object", "list"]
Kind: TypeAlias = Literal[
    "positional-only", "positional or keyword", "variadic positional", "keyword-only", "variadic keyword"
]

_WANTED: dict[str, Wants] = {
    "int": "number", "float": "number", "complex": "number", "Decimal": "number", "str": "text", "bool": "boolean",
    "dict": "object", "Dict": "object", "Mapping": "object", "list": "list", "List": "list", "tuple": "list",
    "Tuple": "list", "Sequence": "list", "set": "list", "Iterable": "list",
}  # fmt: skip
_CONVERTERS = ("int", "float", "bool", "str", "Decimal", "loads", "literal_eval", "isinstance")
_NUMERIC = (ast.Sub, ast.Div, ast.FloorDiv, ast.Pow)
_ORDER = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)


class Argument(Struct, frozen=True):
    """An argument of a function, which catches the param of its name.

    `default` is its source text, None for an argument that must be given, as is `annotation`. `kind` is how it may be
    given, in the words of Python's `inspect`. `wants` is what its annotation, its default or its use says of its
    values; `is_annotated` tells that the annotation does. `converts` tells that the function makes another type of it.
    """

    name: str
    default: str | None = None
    wants: Wants | None = None
    converts: bool = False
    kind: Kind = "positional or keyword"
    annotation: str | None = None
    position: Position | None = None
    is_annotated: bool = False

    def __str__(self) -> str:
        return self.name if self.default is None else f"{self.name}={self.default}"


def arguments_of(node: Definition | ast.Lambda, file: str) -> tuple[Argument, ...]:
    """All arguments of a function, in order."""
    spec = node.args
    uses = _Uses(node)

    def made(kind: Kind, argument: ast.arg, default: ast.expr | None = None) -> Argument:
        name, annotated = argument.arg, _annotated(argument.annotation)
        return Argument(
            name,
            None if default is None else ast.unparse(default),
            annotated or _literal(default) or ("number" if name in uses.numbers else None),
            name in uses.converted,
            kind,
            _written(argument.annotation),
            Position(file, argument.lineno, argument.col_offset + 1),
            annotated is not None,
        )

    places: list[tuple[Kind, ast.arg]] = [("positional-only", item) for item in spec.posonlyargs]
    places += [("positional or keyword", item) for item in spec.args]
    defaults = [None] * (len(places) - len(spec.defaults)) + list(spec.defaults)
    found = [made(kind, item, default) for (kind, item), default in zip(places, defaults, strict=True)]
    found += [made("variadic positional", spec.vararg)] if spec.vararg else []
    found += [
        made("keyword-only", item, default) for item, default in zip(spec.kwonlyargs, spec.kw_defaults, strict=True)
    ]
    found += [made("variadic keyword", spec.kwarg)] if spec.kwarg else []
    return tuple(found)


def field_of(node: ast.AnnAssign, name: str, default: str | None, kind: Kind, file: str) -> Argument:
    """The argument of a generated constructor that a field of a dataclass is."""
    annotated = _annotated(node.annotation)
    wants = annotated or _literal(node.value)
    position = Position(file, node.lineno, node.col_offset + 1)
    return Argument(name, default, wants, False, kind, _written(node.annotation), position, annotated is not None)


def _written(annotation: ast.expr | None) -> str | None:
    """An annotation as it is written, without the quotes around it."""
    match annotation:
        case None:
            return None
        case ast.Constant(value=str() as text):
            return text
        case _:
            return ast.unparse(annotation)


def kind_of(value: Value) -> str | None:
    """The kind of a value, in the words of ``Argument.wants``."""
    match value:
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "text"
        case dict():
            return "object"
        case list():
            return "list"
        case _:
            return None


class _Uses:
    """What the body of a function says of the values of its arguments.

    `numbers` are the names that are subtracted, divided, compared with a number or given to `range`; `converted` those
    that another type is made of.
    """

    def __init__(self, node: ast.AST) -> None:
        self.numbers: set[str] = set()
        self.converted: set[str] = set()
        for part in ast.walk(node):
            match part:
                case ast.BinOp(left=left, op=operation, right=right) if isinstance(operation, _NUMERIC):
                    self.numbers |= _names(left, right)
                case ast.Compare(left=left, ops=[operation], comparators=[right]) if isinstance(operation, _ORDER):
                    self.numbers |= _names(left) if _is_number(right) else set()
                    self.numbers |= _names(right) if _is_number(left) else set()
                case ast.Call(func=function, args=given):
                    called = getattr(function, "id", getattr(function, "attr", ""))
                    self.converted |= _names(*given) if called in _CONVERTERS else set()
                    self.numbers |= _names(*given) if isinstance(function, ast.Name) and called == "range" else set()
                case _:
                    pass


def _names(*parts: ast.expr) -> set[str]:
    return {part.id for part in parts if isinstance(part, ast.Name)}


def _is_number(part: ast.expr) -> bool:
    return _literal(part) == "number" or (isinstance(part, ast.BinOp) and isinstance(part.op, _NUMERIC))


def _annotated(annotation: ast.expr | None) -> Wants | None:
    match annotation:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return _WANTED.get(name)
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


def _literal(default: ast.expr | None) -> Wants | None:
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
