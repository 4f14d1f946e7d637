"""What a name in the project's Python stands for, followed through imports and aliases without running anything."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, TypeAlias

from .errors import Position
from .python_files import Broken, Module
from .python_names import Definition, Imported, Meaning

_DEPTH: Final = 20
"""Imports and aliases that lead from a name to what it means."""


class Thing(NamedTuple):
    """A definition of the project, or a lambda or `functools.partial(...)` with a name, and the module it is in."""

    module: Module
    node: Definition | ast.ClassDef | ast.Lambda | ast.Call


class Outside(NamedTuple):
    """Something that is not in the project's sources, by its dotted name."""

    name: str


class Unknown(NamedTuple):
    """What only a run tells, and why."""

    reason: str
    position: Position


class Package(NamedTuple):
    """A module of the project."""

    module: Module


class Missing(NamedTuple):
    """A name that stands for nothing."""


Found: TypeAlias = Thing | Outside | Package | Unknown | Missing
Modules: TypeAlias = Callable[[str], Module | Broken | None]


class Lookup:
    """Looks names up.

    Args:
        modules: gives a module of the project by its dotted name.
    """

    def __init__(self, modules: Modules) -> None:
        self._modules = modules

    def resolve(self, module: Module, name: str, depth: int = 0) -> list[Found]:
        """All that a name of a module may stand for."""
        if depth > _DEPTH:
            return [Unknown(f"{name} leads back to itself", Position(module.file, 1, 1))]
        if name in module.rebound:
            return [Unknown(f"a function of {module.file} sets {name} anew", Position(module.file, 1, 1))]
        meanings = module.names.get(name, (None,))
        found: list[Found] = []
        for meaning in meanings:
            found += self._meaning(module, name, meaning, depth)
        for star in module.names.get("*", ()):
            if isinstance(star, Imported):
                found = self._from_star(module, name, star, found, depth)
        if not [item for item in found if not isinstance(item, Missing)] and "__getattr__" in module.names:
            place = Position(module.file, 1, 1)
            return [Unknown(f"{module.file} has a __getattr__, which decides what {name} is", place)]
        return list(dict.fromkeys(found))

    def _meaning(self, module: Module, name: str, meaning: Meaning, depth: int) -> Iterator[Found]:
        match meaning:
            case None:
                submodule = self._modules(f"{module.name}.{name}") if module.file.endswith("__init__.py") else None
                yield Package(submodule) if isinstance(submodule, Module) else Missing()
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield Thing(module, meaning)
            case Imported():
                yield from self._imported(module, name, meaning, depth)
            case ast.expr():
                yield from self.value(module, meaning, depth + 1)
            case _:
                yield Unknown(
                    f"line {meaning.lineno} sets {name} in a way that only a run tells", module.position(meaning)
                )

    def _imported(self, module: Module, name: str, meaning: Imported, depth: int) -> Iterator[Found]:
        full = f"{meaning.module}.{meaning.name}" if meaning.name else meaning.module
        origin = self._modules(meaning.module) if meaning.module else None
        if isinstance(origin, Broken):
            yield Unknown(origin.reason, origin.position)
        elif isinstance(origin, Module) and meaning.name:
            yield from self.resolve(origin, meaning.name, depth + 1)
        elif isinstance(origin, Module):
            yield Package(origin)
        elif isinstance(submodule := self._modules(full), Module):
            yield Package(submodule)
        else:
            yield Outside(full)

    def _from_star(self, module: Module, name: str, star: Imported, found: list[Found], depth: int) -> list[Found]:
        """What a name stands for behind `from ... import *`."""
        lines = [getattr(meaning, "lineno", getattr(meaning, "line", 0)) for meaning in module.names.get(name, ())]
        if lines and min(lines) > star.line and not any(isinstance(item, Missing) for item in found):
            return found
        origin = self._modules(star.module)
        place = Position(module.file, star.line, 1)
        if not isinstance(origin, Module):
            if hasattr(builtins, name) and not lines:
                return found
            gone = not [item for item in found if not isinstance(item, Missing)]
            reason = f"{name} may come with from {star.module} import *, which is not in the project"
            return [Unknown(reason, place)] if gone or (lines and max(lines) < star.line) else found
        if "__all__" in origin.names:
            return [Unknown(f"{name} may come with from {star.module} import * (line {star.line})", place)]
        if name.startswith("_"):
            return found
        other = self.resolve(origin, name, depth + 1)
        return found if all(isinstance(item, Missing) for item in other) else other

    def value(self, module: Module, value: ast.expr, depth: int = 0) -> Iterator[Found]:
        """All that an expression at the top of a module may stand for."""
        place = module.position(value)
        match value:
            case ast.Name(id=name):
                found = self.resolve(module, name, depth + 1)
                is_builtin = hasattr(builtins, name)
                yield from (
                    Outside(f"builtins.{name}") if is_builtin and isinstance(item, Missing) else item for item in found
                )
            case ast.Attribute(value=base, attr=name):
                for item in self.value(module, base, depth + 1):
                    yield from self._attribute(item, name, place, depth)
            case ast.Lambda():
                yield Thing(module, value)
            case ast.Call(func=function):
                if [*self.value(module, function, depth + 1)] == [Outside("functools.partial")]:
                    yield Thing(module, value)
                else:
                    yield Unknown(f"only a run tells what {_short(value)} gives (line {value.lineno})", place)
            case ast.Subscript(value=base):
                yield from self.value(module, base, depth + 1)
            case ast.IfExp(body=one, orelse=other):
                yield from self.value(module, one, depth + 1)
                yield from self.value(module, other, depth + 1)
            case _:
                yield Unknown(f"{_short(value)} is no function (line {value.lineno})", place)

    def _attribute(self, item: Found, name: str, place: Position, depth: int) -> Iterator[Found]:
        match item:
            case Package(module):
                yield from self.resolve(module, name, depth + 1)
            case Outside(full):
                yield Outside(f"{full}.{name}")
            case _:
                yield Unknown(f"only a run tells what .{name} is (line {place.line})", place)


def _short(value: ast.expr) -> str:
    text = ast.unparse(value)
    return text if len(text) <= 40 else text[:37] + "..."
