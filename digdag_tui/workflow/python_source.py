"""What a function of the project's Python takes from the params and gives to them, found without importing it.

Names come from the source alone (operators 4.4): what only running it could tell is `is_open`, never guessed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from .errors import Position
from .python_arguments import Argument
from .python_calls import Calls
from .python_files import Broken, Module, read_module
from .python_lookup import Lookup, Thing
from .python_names import SCOPES
from .python_signature import Call


class Subtask(Struct, frozen=True):
    """A function that a task adds below itself with `add_subtask`, and the names of the arguments that it gives."""

    command: str
    keys: tuple[str, ...]
    position: Position


class Function(Struct):
    """What a `py>` command names; `takes_all` is `**keywords`, or arguments that the source does not tell.

    `stores`, `exports` and `reads` are names of params with the places in the source; `reads_all` and `is_open` tell
    that there may be more of them.
    """

    name: str
    position: Position
    arguments: tuple[Argument, ...] = ()
    takes_all: bool = False
    stores: dict[str, Position] = {}
    exports: dict[str, Position] = {}
    reads: dict[str, Position] = {}
    reads_all: bool = False
    subtasks: list[Subtask] = []
    is_open: bool = False

    def argument(self, name: str) -> Argument | None:
        """The argument of a name."""
        return next((argument for argument in self.arguments if argument.name == name), None)


class PythonSource:
    """The Python files of a project.

    Args:
        project: its directory, absolute.
    """

    def __init__(self, project: Path) -> None:
        self._project = project
        self._modules: dict[tuple[str, str], Module | Broken | None] = {}
        self._calls: dict[tuple[str, str], Call] = {}
        self._functions: dict[tuple[str, str], Function | None] = {}

    def call(self, command: str, folder: str = "") -> Call:
        """What `command` calls in the project's folder `folder`, or why that cannot be told."""
        key = (command, folder)
        if key not in self._calls:
            shown = f"the project's folder {folder}" if folder else "the project"
            calls = Calls(lambda name: self.read(name, folder), self._project / folder, shown)
            self._calls[key] = calls.call(command)
        return self._calls[key]

    def function(self, command: str, folder: str = "") -> Function | None:
        """What `command` calls in the project's folder `folder`; None if that is not in the project's sources."""
        key = (command, folder)
        if key not in self._functions:
            self._functions[key] = self._describe(command, folder)
        return self._functions[key]

    def module(self, name: str, folder: str) -> Module | None:
        """A module of the project; the standard library wins, as it does for Python."""
        found = self.read(name, folder)
        return found if isinstance(found, Module) else None

    def read(self, name: str, folder: str) -> Module | Broken | None:
        """A module of the project, or why it cannot be parsed."""
        key = (name, folder)
        if key not in self._modules:
            self._modules[key] = read_module(self._project, folder, name)
        return self._modules[key]

    def files(self) -> Iterator[tuple[str, ast.Module]]:
        """The files read so far, each with what stands in it."""
        modules = [module for module in self._modules.values() if isinstance(module, Module)]
        yield from {module.file: module.tree for module in modules}.items()

    def _describe(self, command: str, folder: str) -> Function | None:
        call = self.call(command, folder)
        found = self._defined(command, folder)
        if found is None or call.problem or call.position is None:
            return None
        module, node = found
        function = Function(command, call.position, call.arguments, call.takes_all)
        starts: list[ast.AST] = [node for node in module.tree.body if not isinstance(node, SCOPES)]
        if isinstance(node, ast.ClassDef):
            method = "run" if self.module(command.rpartition(".")[0], folder) else command.rpartition(".")[2]
            body = {part.name: part for part in node.body if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)}
            starts += [body[name] for name in ("__init__", method) if name in body]
            if method not in body:
                function.is_open = function.reads_all = True
        else:
            starts.append(node)
        _Effects(self, folder, function).follow(module, starts, node)
        return function

    def _defined(self, command: str, folder: str) -> tuple[Module, ast.AST] | None:
        """The function or the class that a command names."""
        path, _, last = command.rpartition(".")
        outer, _, name = path.rpartition(".")
        module, wanted = self.module(path, folder), last
        if module is None and outer:
            module, wanted = self.module(outer, folder), name
        found = Lookup(lambda name: self.read(name, folder)).resolve(module, wanted) if module else []
        things = [thing for thing in found if isinstance(thing, Thing)]
        return (things[0].module, things[0].node) if things else None


class _Effects:
    """Follows a function through the project's sources and notes what it does with the params."""

    def __init__(self, source: PythonSource, folder: str, function: Function) -> None:
        self.source = source
        self.folder = folder
        self.function = function
        self.seen: set[int] = set()
        self.waiting: list[tuple[Module, ast.AST, ast.AST | None]] = []

    def follow(self, module: Module, starts: list[ast.AST], owner: ast.AST | None) -> None:
        self.waiting += [(module, start, owner) for start in starts]
        while self.waiting:
            where, node, inside = self.waiting.pop()
            if id(node) not in self.seen:
                self.seen.add(id(node))
                self.look(where, node, inside)

    def look(self, module: Module, node: ast.AST, owner: ast.AST | None) -> None:
        """One function, with all that it names itself."""
        known: set[int] = set()
        for part in ast.walk(node):
            if id(part) in known:
                continue
            match part:
                case ast.Call(func=ast.Attribute(value=base, attr="store" | "export" | "add_subtask" as verb)) if (
                    _is_env(base)
                ):
                    known |= {id(part.func), *map(id, ast.walk(base))}
                    if verb == "add_subtask":
                        known |= {id(inner) for first in part.args[:1] for inner in ast.walk(first)}
                        self.subtask(module, part)
                    else:
                        self.given(module, part, self.function.stores if verb == "store" else self.function.exports)
                case ast.Subscript(
                    value=ast.Attribute(attr="params", value=base) as params, slice=ast.Constant(value=name)
                ) if _is_env(base):
                    known |= set(map(id, ast.walk(params)))
                    self.function.reads.setdefault(str(name), module.position(part))
                case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="params", value=base), attr="get")) if (
                    _is_env(base) and part.args and isinstance(part.args[0], ast.Constant)
                ):
                    known |= set(map(id, ast.walk(part.func)))
                    self.function.reads.setdefault(str(part.args[0].value), module.position(part))
                case ast.Attribute(attr="params", value=base) if _is_env(base):
                    known |= set(map(id, ast.walk(base)))
                    self.function.reads_all = True
                case ast.Attribute(attr="subtask_config" | "set_state", value=base) if _is_env(base):
                    known |= set(map(id, ast.walk(base)))
                case ast.Attribute(value=ast.Name(id="digdag"), attr="env"):
                    self.function.is_open = self.function.reads_all = True
                case ast.Name(id="digdag_env"):
                    self.function.is_open = self.function.reads_all = True
                case ast.Attribute(value=ast.Name(id=name), attr=attribute):
                    if self.refer(module, name, attribute, owner):
                        known.add(id(part.value))
                case ast.Name(id=name):
                    self.refer(module, name, None, owner)
                case _:
                    pass

    def refer(self, module: Module, name: str, attribute: str | None, owner: ast.AST | None) -> bool:
        """Look later at what a name means, if that is in the project."""
        if name in ("self", "cls") and attribute:
            found: ast.AST | None = owner
        else:
            found = module.defined.get(name)
        if found is None:
            path, inner = module.imported.get(name, ("", None))
            other = self.source.module(f"{path}.{inner}" if inner else path, self.folder) if path else None
            if other and attribute:
                module, found, attribute = other, other.defined.get(attribute), None
            elif inner and (origin := self.source.module(path, self.folder)):
                module, found = origin, origin.defined.get(inner)
        if isinstance(found, ast.ClassDef) and attribute:
            owner, found = (
                found,
                next((node for node in found.body if isinstance(node, SCOPES) and node.name == attribute), None),
            )
        elif isinstance(found, ast.ClassDef):
            owner = found
        if found is not None:
            self.waiting.append((module, found, owner))
        return found is not None

    def given(self, module: Module, call: ast.Call, names: dict[str, Position]) -> None:
        """The names in `store({...}, name=...)`."""
        for argument in call.args:
            if not isinstance(argument, ast.Dict):
                self.function.is_open = True
                continue
            for key in argument.keys:
                if isinstance(key, ast.Constant):
                    names.setdefault(str(key.value), module.position(key))
                else:
                    self.function.is_open = True
        for keyword in call.keywords:
            if keyword.arg is None:
                self.function.is_open = True
            else:
                names.setdefault(keyword.arg, module.position(keyword))

    def subtask(self, module: Module, call: ast.Call) -> None:
        """A task of a function of the project; any other may be anything."""
        command = self.command(module, call.args[0]) if call.args else None
        if command is None or any(keyword.arg is None for keyword in call.keywords):
            self.function.is_open = True
        else:
            keys = tuple(keyword.arg for keyword in call.keywords if keyword.arg)
            self.function.subtasks.append(Subtask(command, keys, module.position(call)))

    def command(self, module: Module, target: ast.expr) -> str | None:
        """How `py>` names a function that stands in a source file."""
        match target:
            case ast.Name(id=name) if name in module.defined:
                return f"{module.name}.{name}"
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name in module.defined:
                return f"{module.name}.{name}.{attribute}"
            case ast.Name(id=name) if name in module.imported:
                path, inner = module.imported[name]
                return f"{path}.{inner}" if inner else None
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name in module.imported:
                path, inner = module.imported[name]
                return f"{path}.{inner}.{attribute}" if inner else f"{path}.{attribute}"
            case _:
                return None


def _is_env(node: ast.expr) -> bool:
    """Whether an expression stands for `digdag.env`."""
    match node:
        case ast.Attribute(attr="env") | ast.Name(id="env"):
            return True
        case _:
            return False
