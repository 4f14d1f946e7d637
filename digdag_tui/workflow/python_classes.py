"""Classes of the project: what they inherit, whether Digdag calls a method of them, and their constructors."""

from __future__ import annotations

import ast
import builtins
from functools import cached_property
from typing import Final, TypeAlias

from .errors import Position
from .python_arguments import Argument, Kind, field_of
from .python_files import Module
from .python_functions import signature_of
from .python_lookup import Lookup, Outside, Thing, Unknown
from .python_names import Meaning, Names, names_in
from .python_signature import Signature

_METACLASSES: Final = {
    "abc.ABC": "ABCMeta", "typing.Protocol": "ABCMeta", "enum.Enum": "EnumType", "enum.IntEnum": "EnumType",
    "enum.StrEnum": "EnumType", "enum.Flag": "EnumType", "enum.IntFlag": "EnumType",
}  # fmt: skip
"""Classes of the standard library whose metaclass is not `type`."""
_EMPTY: Final = frozenset(("builtins.object", "typing.Generic", "abc.ABC"))
"""Classes that have the constructor of `object`."""
_SAME: Final = frozenset(("functools.total_ordering", "typing.final", "typing.runtime_checkable"))
"""Decorators that hand on the class they get."""

Base: TypeAlias = "Class | Outside | Unknown"


class Class:
    """A class, and what it inherits.

    Args:
        lookup: finds its bases and what decorates it.
    """

    def __init__(self, lookup: Lookup, module: Module, node: ast.ClassDef) -> None:
        self.lookup = lookup
        self.module = module
        self.node = node
        self.name = node.name

    @cached_property
    def names(self) -> Names:
        """What the names of its body may mean."""
        return names_in(self.node.body)

    @property
    def position(self) -> Position:
        return self.module.position(self.node)

    @cached_property
    def line_of_descent(self) -> list[Base]:
        """The classes that attributes are looked for in, itself first; what is not known stands where it may be."""
        return self._descent(())

    def _descent(self, inside: tuple[ast.ClassDef, ...]) -> list[Base]:
        lines: list[list[Base]] = []
        for base in self.node.bases:
            found = [*self.lookup.value(self.module, base)]
            match found:
                case [Thing(module, ast.ClassDef() as node)] if node not in inside:
                    above = Class(self.lookup, module, node)
                    lines.append(above._descent((*inside, self.node)))
                case [Outside() as outside]:
                    lines.append([outside])
                case _:
                    reason = f"the base {ast.unparse(base)} of {self.name}, which only a run tells"
                    lines.append([Unknown(reason, self.position)])
        return [self, *_merged([*lines, [line[0] for line in lines]])]

    def metaclass(self) -> str | Unknown | None:
        """The name of its metaclass, None for `type`."""
        for base in self.line_of_descent:
            match base:
                case Class():
                    given = next((item.value for item in base.node.keywords if item.arg == "metaclass"), None)
                    if given is not None:
                        return ast.unparse(given)
                    if other := base.decorator():
                        return other
                case Outside(name) if name in _METACLASSES:
                    return _METACLASSES[name]
                case Outside(name) if name in _EMPTY or _is_plain(name):
                    pass
                case Outside(name):
                    return Unknown(f"{name}, which is not in the project", self.position)
                case Unknown():
                    return base
        return None

    def decorator(self) -> Unknown | None:
        """A decorator that may make something else of it."""
        for item in self.node.decorator_list:
            found = [*self.lookup.value(self.module, item.func if isinstance(item, ast.Call) else item)]
            if found != [Outside("dataclasses.dataclass")] and not (
                isinstance(found[0], Outside) and found[0].name in _SAME
            ):
                return Unknown(f"@{ast.unparse(item)} (line {item.lineno})", self.position)
        return None

    # What is called

    def constructor(self) -> Signature | None:
        """Its constructor as the runner asks for it; None for that of `object`, which is given nothing."""
        new: Class | None = None
        for base in self.line_of_descent:
            title = f"{self.name}.__init__"
            match base:
                case Class():
                    if other := base.decorator():
                        return Signature(title, base.position, unknown=f"its constructor depends on {other.reason}")
                    title = f"{base.name}.__init__"
                    new = base if new is None and "__new__" in base.names else new
                    if "__init__" in base.names:
                        return base.attribute("__init__", title)
                    if base.generates_constructor():
                        return Signature(title, base.position, *_fields(base), skipped=1)
                case Outside(name) if name in _EMPTY:
                    pass
                case Outside(name):
                    reason = f"its constructor is that of {name.removeprefix('builtins.')}, which is not in the project"
                    return Signature(title, self.position, unknown=reason)
                case Unknown(reason):
                    return Signature(title, self.position, unknown=f"its constructor depends on {reason}")
        if new:
            place = new.position
            return Signature(f"{new.name}.__new__", place, unknown="its __new__ decides, and Digdag gives it nothing")
        return None

    def method(self, name: str) -> Signature | None:
        """A method as the runner asks for it; None if there is none."""
        for base in self.line_of_descent:
            match base:
                case Class() if name in base.names:
                    return base.attribute(name, f"{base.name}.{name}")
                case Class():
                    if "__getattr__" in base.names or "__getattribute__" in base.names:
                        return Signature(f"{base.name}.{name}", base.position, unknown="its __getattr__ decides")
                    if line := base.sets(name):
                        reason = f"its methods set {name} at line {line}: only a run tells what"
                        return Signature(f"{base.name}.{name}", base.position, unknown=reason)
                case Outside(outside) if outside in _EMPTY or not hasattr(_builtin(outside), name):
                    if outside not in _EMPTY and not _is_plain(outside) and outside not in _METACLASSES:
                        reason = f"it may be a method of {outside}, which is not in the project"
                        return Signature(f"{self.name}.{name}", self.position, unknown=reason)
                case Outside(outside):
                    reason = f"it is that of {outside.removeprefix('builtins.')}, which is not in the project"
                    return Signature(f"{self.name}.{name}", self.position, unknown=reason)
                case Unknown(reason):
                    return Signature(f"{self.name}.{name}", self.position, unknown=f"it may come from {reason}")
        return None

    def methods(self) -> list[str]:
        """The names of all methods that are known."""
        own = [base for base in self.line_of_descent if isinstance(base, Class)]
        return list(dict.fromkeys(name for base in own for name in base.names if name != "*"))

    def sets(self, name: str) -> int | None:
        """The line where a method sets an attribute of that name."""
        for node in ast.walk(self.node):
            if isinstance(node, ast.Attribute) and node.attr == name and isinstance(node.ctx, ast.Store):
                return node.lineno
        return None

    def attribute(self, name: str, title: str) -> Signature:
        """What stands in its body under a name, as a method."""
        meanings = self.names[name]
        meaning: Meaning = meanings[0] if len(meanings) == 1 else None
        place = self.module.position(meaning) if isinstance(meaning, ast.AST) else self.position
        match meaning:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                return signature_of(self.lookup, self.module, meaning, name, self.name)
            case ast.Name(id=alias) if alias in self.names and alias != name:
                return self.attribute(alias, f"{self.name}.{alias}")
            case _ if len(meanings) > 1:
                return Signature(
                    title, place, unknown=f"{title} stands below a condition: only a run tells which it is"
                )
            case _:
                return Signature(title, place, unknown=f"only a run tells what {title} is")

    # Dataclasses

    def dataclass(self) -> ast.expr | None:
        """The decorator that makes it a dataclass."""
        for item in self.node.decorator_list:
            target = item.func if isinstance(item, ast.Call) else item
            if [*self.lookup.value(self.module, target)] == [Outside("dataclasses.dataclass")]:
                return item
        return None

    def generates_constructor(self) -> bool:
        """Whether it is a dataclass that makes its own constructor."""
        decorator = self.dataclass()
        return decorator is not None and _option(decorator, "init") is not False


def _fields(cls: Class) -> tuple[tuple[Argument, ...]]:
    """The arguments of a dataclass's constructor: those of its bases first, those by keyword only last."""
    found: dict[str, Argument | None] = {}
    above = [base for base in cls.line_of_descent if isinstance(base, Class)]
    for base in reversed(above):
        if decorator := base.dataclass():
            found.update(_own_fields(base, _option(decorator, "kw_only") is True))
    arguments = [argument for argument in found.values() if argument]
    arguments.sort(key=lambda argument: argument.kind == "keyword-only")
    return ((Argument("self"), *arguments),)


def _own_fields(cls: Class, by_keyword: bool) -> dict[str, Argument | None]:
    """The fields of one class; None for those that its constructor does not take."""
    found: dict[str, Argument | None] = {}
    for node in cls.node.body:
        if not (isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)):
            continue
        written = ast.unparse(node.annotation).strip("'\"").rpartition(".")[2] if node.annotation else ""
        if written == "KW_ONLY":
            by_keyword = True
        elif not ast.unparse(node.annotation).strip("'\"").partition("[")[0].endswith("ClassVar"):
            name = node.target.id
            found[name] = _field(cls, node, name, by_keyword)
    return found


def _field(cls: Class, node: ast.AnnAssign, name: str, by_keyword: bool) -> Argument | None:
    kind: Kind = "keyword-only" if by_keyword else "positional or keyword"
    default = ast.unparse(node.value) if node.value else None
    if isinstance(node.value, ast.Call) and [*cls.lookup.value(cls.module, node.value.func)] == [
        Outside("dataclasses.field")
    ]:
        if _option(node.value, "init") is False:
            return None
        if (asked := _option(node.value, "kw_only")) is not None:
            kind = "keyword-only" if asked else "positional or keyword"
        given = {item.arg: ast.unparse(item.value) for item in node.value.keywords}
        factory = given.get("default_factory")
        default = f"{factory}()" if factory else given.get("default")
    return field_of(node, name, default, kind, cls.module.file)


def _option(call: ast.expr, name: str) -> object:
    """The value of a literal keyword argument of a decorator."""
    keywords = call.keywords if isinstance(call, ast.Call) else []
    values = (item.value.value for item in keywords if item.arg == name and isinstance(item.value, ast.Constant))
    return next(values, None)


def _merged(lines: list[list[Base]]) -> list[Base]:
    """Lines of descent made into one, as Python does (C3)."""
    merged: list[Base] = []
    lines = [line for line in lines if line]
    while lines:
        heads = [line[0] for line in lines]
        head = next((head for head in heads if not any(_in(head, line[1:]) for line in lines)), heads[0])
        merged.append(head)
        lines = [[base for base in line if not _equal(base, head)] for line in lines]
        lines = [line for line in lines if line]
    return merged


def _in(base: Base, line: list[Base]) -> bool:
    return any(_equal(base, other) for other in line)


def _equal(one: Base, other: Base) -> bool:
    return one.node is other.node if isinstance(one, Class) and isinstance(other, Class) else one == other


def _builtin(name: str) -> object:
    """A builtin class by its dotted name; None for what is none."""
    module, _, last = name.rpartition(".")
    return getattr(builtins, last, None) if module == "builtins" else None


def _is_plain(name: str) -> bool:
    """Whether a class is a builtin one, whose metaclass is `type`."""
    return type(_builtin(name)) is type
