"""What a `py>` command calls, as Digdag's runner sees it: right, or said to be unknown (operators 4.4)."""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from .errors import Position
from .names import did_you_mean
from .python_classes import Class
from .python_files import TAKEN, Broken, Module, module_names
from .python_functions import signature_of
from .python_lookup import Found, Lookup, Missing, Modules, Outside, Package, Thing, Unknown
from .python_signature import Call, Signature


class Calls:
    """Finds what commands call.

    Args:
        modules: gives a module of the project by its dotted name.
        place: the folder that modules are looked for in.
        shown: how that is named to a person.
    """

    def __init__(self, modules: Modules, place: Path, shown: str) -> None:
        self._modules = modules
        self._lookup = Lookup(modules)
        self._place = place
        self._shown = shown

    def call(self, command: str) -> Call:
        """What a command calls."""
        path, _, last = command.rpartition(".")
        if not path:
            return self._no_module(command)
        module = self._modules(path)
        if isinstance(module, Module):
            return self._function(command, module, last)
        outer, _, name = path.rpartition(".")
        if module is None and outer:
            module = self._modules(outer)
            if isinstance(module, Module):
                return self._method(command, module, name, last)
        if isinstance(module, Broken):
            return Call(command, module.position, problem=module.reason, advice="correct the file")
        return self._not_there(command)

    # What cannot be found

    def _no_module(self, command: str) -> Call:
        problem = f"py> wants MODULE.FUNCTION, and {command or 'an empty name'} names no module (Empty module name)"
        inside = self._modules(command) if command else None
        if isinstance(inside, Module):
            return Call(command, problem=problem, advice=f"name a function of it: {_some(command, inside)}")
        return Call(command, problem=problem, advice=self._with_module(command))

    def _not_there(self, command: str) -> Call:
        module, _, name = command.rpartition(".")
        top = command.partition(".")[0]
        inside = self._modules(command)
        if isinstance(inside, Module):
            problem = f"{command} is a module, and Digdag calls functions and classes"
            return Call(
                command, Position(inside.file, 1, 1), problem=problem, advice=f"name one: {_some(command, inside)}"
            )
        if top in TAKEN:
            return Call(command, problem=f"{TAKEN[top]}, not a file of the project", advice="rename the file")
        if top in sys.stdlib_module_names:
            problem = f"{top} is a module of Python's own, which is not read"
            hides = (self._place / f"{top}.py").exists() or (self._place / top).is_dir()
            advice = f"it hides the {top} of the project: rename that" if hides else None
            return Call(command, problem=problem, advice=advice)
        problem = f"There is no {module.replace('.', '/')}.py in {self._shown}"
        near = self._with_module(name) or did_you_mean(module, module_names(self._place))
        installed = f"put it there, or install {top} for the Python that runs the task"
        return Call(command, problem=problem, advice=near or installed)

    def _with_module(self, name: str) -> str | None:
        """The modules that have a name."""
        found = []
        for module in module_names(self._place):
            read = self._modules(module)
            if isinstance(read, Module) and name in read.names:
                found.append(f"{module}.{name}")
        return f"did you mean {' or '.join(found[:3])}?" if found else None

    def _no_name(self, command: str, module: Module, name: str) -> Call:
        known = [known for known in module.names if known != "*"]
        advice = did_you_mean(name, known) or self._with_module(name)
        has = f"it has {_listed([*module.defined])}" if module.defined else None
        return Call(command, Position(module.file, 1, 1), problem=f"{module.file} has no {name}", advice=advice or has)

    # Functions

    def _function(self, command: str, module: Module, name: str) -> Call:
        """What the last part of a command stands for."""
        found = self._lookup.resolve(module, name)
        match found:
            case [Thing(where, ast.ClassDef() as node)]:
                return self._run(command, Class(self._lookup, where, node))
            case [Missing()] | []:
                return self._no_name(command, module, name)
            case _:
                signature = self._either(found, name)
                return Call(command, signature.position, (signature,))

    def _either(self, found: Sequence[Found], name: str) -> Signature:
        """The signature of what may be several things: theirs if they take the same."""
        there = [self._signature(item, name) for item in found if not isinstance(item, Missing)]
        first = there[0]
        if len(found) == 1:
            return first
        if len(there) == 1:
            return replace(first, condition="it is there only in some cases, which only a run tells")
        places = " or ".join(str(signature.position) for signature in there)
        unknown = [signature.unknown for signature in there if signature.unknown]
        if unknown or any(_shape(signature) != _shape(first) for signature in there):
            reason = f"only a run tells which it is: {' or '.join(unknown) or places}"
            return Signature(name, first.position, unknown=reason)
        return replace(first, condition=f"only a run tells which it is, {places}: they take the same")

    def _signature(self, found: Found, name: str) -> Signature:
        match found:
            case Thing(module, node):
                return signature_of(self._lookup, module, node, name)
            case Unknown(reason, position):
                return Signature(name, position, unknown=reason)
            case Package(module):
                place = Position(module.file, 1, 1)
                return Signature(name, place, unknown=f"{name} is a module, and a module cannot be called")
            case Outside(full):
                return Signature(name, None, unknown=f"{name} is {full}, which is not in {self._shown}")
            case Missing():
                raise ValueError(name)

    # Classes

    def _run(self, command: str, cls: Class) -> Call:
        """A class that a command ends with: its `run`, unless its metaclass makes it a mere callable."""
        metaclass = cls.metaclass()
        if metaclass is None:
            return self._class(command, cls, "run")
        if isinstance(metaclass, Unknown):
            reason = f"whether Digdag calls its run depends on {metaclass.reason}"
            return Call(command, cls.position, (Signature(cls.name, cls.position, unknown=reason),))
        never = f"has the metaclass {metaclass}: Digdag makes one and calls no method (write {command}.run)"
        base = cls.constructor() or Signature(cls.name, cls.position)
        if metaclass == "EnumType":
            base = Signature(cls.name, cls.position, unknown="it is an enumeration")
        signature = replace(base, title=cls.name, skipped=0, is_bound=False, never_runs=never)
        return Call(command, cls.position, (signature,))

    def _method(self, command: str, module: Module, name: str, method: str) -> Call:
        found = self._lookup.resolve(module, name)
        match found:
            case [Thing(where, ast.ClassDef() as node)]:
                return self._class(command, Class(self._lookup, where, node), method)
            case [Missing()] | []:
                return self._no_name(command, module, name)
            case [Thing(where, node)]:
                problem = f"{name} in {where.file} is no class, and has no method {method}"
                return Call(command, where.position(node), problem=problem, advice=f"write py>: {module.name}.{name}")
            case _:
                there = [self._signature(item, name) for item in found if not isinstance(item, Missing)]
                reason = next((item.unknown for item in there if item.unknown), "only a run tells which class it is")
                place = there[0].position
                return Call(command, place, (Signature(f"{name}.{method}", place, unknown=reason),))

    def _class(self, command: str, cls: Class, method: str) -> Call:
        """The constructor of a class, and then a method."""
        constructor, called = cls.constructor(), cls.method(method)
        if called is None:
            known = [name for name in cls.methods() if not name.startswith("__")]
            has = f"it has {_listed(known)}" if known else None
            problem = f"{cls.name} in {cls.module.file} has no method {method}"
            return Call(command, cls.position, problem=problem, advice=did_you_mean(method, known) or has)
        return Call(command, called.position, (*([constructor] if constructor else []), called))


def _shape(signature: Signature) -> list[tuple[str, str, str | None, str | None]]:
    return [(item.name, item.kind, item.default, item.annotation) for item in signature.arguments]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + " …" * (len(names) > 8)


def _some(command: str, module: Module) -> str:
    names = [name for name in module.defined if not name.startswith("_")]
    return ", ".join(f"{command}.{name}" for name in names[:3]) + " …" * (len(names) > 3) if names else "it has none"
