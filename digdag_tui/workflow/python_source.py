"""What a function of the project's Python takes from the params and gives to them, found without importing it.

Names come from the source alone (operators 4.4): what only running it could tell is `is_open`, never guessed.
"""

from __future__ import annotations

import ast
import os.path
import sys
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from .errors import Position
from .python_arguments import Argument, Definition, argument_of
from .sources import shown_path


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


class _Module(Struct):
    """A parsed file: its own functions and classes, and what its imports mean: a module, and a name in it or None."""

    name: str
    file: str
    tree: ast.Module
    defined: dict[str, Definition | ast.ClassDef]
    imported: dict[str, tuple[str, str | None]]


class PythonSource:
    """The Python files of a project, each read once.

    Args:
        project: its directory, absolute.
    """

    def __init__(self, project: Path) -> None:
        self._project = project
        self._modules: dict[tuple[str, str], _Module | None] = {}
        self._functions: dict[tuple[str, str], Function | None] = {}

    def function(self, command: str, folder: str = "") -> Function | None:
        """What `command` calls in the project's folder `folder`; None if that is not in the project's sources."""
        key = (command, folder)
        if key not in self._functions:
            self._functions[key] = self._find(command, folder)
        return self._functions[key]

    def module(self, name: str, folder: str) -> _Module | None:
        """A module of the project; the standard library wins, as it does for Python."""
        key = (name, folder)
        if key not in self._modules:
            top = name.partition(".")[0]
            self._modules[key] = None if top in sys.stdlib_module_names else self._parse(name, folder)
        return self._modules[key]

    def _parse(self, name: str, folder: str) -> _Module | None:
        place = self._project / folder / name.replace(".", "/")
        for path, package in ((place / "__init__.py", name), (place.with_suffix(".py"), name.rpartition(".")[0])):
            try:
                tree = ast.parse(path.read_bytes())
            except (OSError, ValueError, SyntaxError, RecursionError):
                continue
            file = shown_path(Path(os.path.normpath(path)), self._project)
            defined = {
                node.name: node
                for node in tree.body
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            }
            return _Module(name, file, tree, defined, dict(_imports(tree, package)))
        return None

    def _find(self, command: str, folder: str) -> Function | None:
        path, _, last = command.rpartition(".")
        if module := self.module(path, folder):
            return self._describe(module, last, None, command, folder)
        path, _, name = path.rpartition(".")
        module = self.module(path, folder)
        return self._describe(module, name, last, command, folder) if module else None

    def _describe(self, module: _Module, name: str, method: str | None, command: str, folder: str) -> Function | None:
        """A function, or a class with its `method`, `run` if the command has none."""
        found = module.defined.get(name)
        if found is None:
            path, attribute = module.imported.get(name, ("", None))
            origin = self.module(path, folder) if attribute else None
            return self._describe(origin, attribute, method, command, folder) if origin and attribute else None
        function = Function(command, _position(module, found))
        starts: list[ast.AST] = [node for node in module.tree.body if not isinstance(node, _SCOPES)]
        if isinstance(found, ast.ClassDef):
            body = {node.name: node for node in found.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
            called = body.get(method or "run")
            if called is None:
                function.takes_all = function.is_open = function.reads_all = True
                return function
            function.position = _position(module, called)
            parts = [node for node in (body.get("__init__"), called) if node]
            function.takes_all = "__init__" not in body and any(
                not (isinstance(base, ast.Name) and base.id == "object") for base in found.bases
            )
            for part in parts:
                _signature(function, part, skip_first=True)
            starts += parts
        elif method is None:
            _signature(function, found, skip_first=False)
            starts.append(found)
        else:
            return None
        _Effects(self, folder, function).follow(module, starts, found)
        return function


_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class _Effects:
    """Follows a function through the project's sources and notes what it does with the params."""

    def __init__(self, source: PythonSource, folder: str, function: Function) -> None:
        self.source = source
        self.folder = folder
        self.function = function
        self.seen: set[int] = set()
        self.waiting: list[tuple[_Module, ast.AST, ast.AST | None]] = []

    def follow(self, module: _Module, starts: list[ast.AST], owner: ast.AST | None) -> None:
        self.waiting += [(module, start, owner) for start in starts]
        while self.waiting:
            where, node, inside = self.waiting.pop()
            if id(node) not in self.seen:
                self.seen.add(id(node))
                self.look(where, node, inside)

    def look(self, module: _Module, node: ast.AST, owner: ast.AST | None) -> None:
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
                    self.function.reads.setdefault(str(name), _position(module, part))
                case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="params", value=base), attr="get")) if (
                    _is_env(base) and part.args and isinstance(part.args[0], ast.Constant)
                ):
                    known |= set(map(id, ast.walk(part.func)))
                    self.function.reads.setdefault(str(part.args[0].value), _position(module, part))
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

    def refer(self, module: _Module, name: str, attribute: str | None, owner: ast.AST | None) -> bool:
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
                next((node for node in found.body if isinstance(node, _SCOPES) and node.name == attribute), None),
            )
        elif isinstance(found, ast.ClassDef):
            owner = found
        if found is not None:
            self.waiting.append((module, found, owner))
        return found is not None

    def given(self, module: _Module, call: ast.Call, names: dict[str, Position]) -> None:
        """The names in `store({...}, name=...)`."""
        for argument in call.args:
            if not isinstance(argument, ast.Dict):
                self.function.is_open = True
                continue
            for key in argument.keys:
                if isinstance(key, ast.Constant):
                    names.setdefault(str(key.value), _position(module, key))
                else:
                    self.function.is_open = True
        for keyword in call.keywords:
            if keyword.arg is None:
                self.function.is_open = True
            else:
                names.setdefault(keyword.arg, _position(module, keyword))

    def subtask(self, module: _Module, call: ast.Call) -> None:
        """A task of a function of the project; any other may be anything."""
        command = self.command(module, call.args[0]) if call.args else None
        if command is None or any(keyword.arg is None for keyword in call.keywords):
            self.function.is_open = True
        else:
            keys = tuple(keyword.arg for keyword in call.keywords if keyword.arg)
            self.function.subtasks.append(Subtask(command, keys, _position(module, call)))

    def command(self, module: _Module, target: ast.expr) -> str | None:
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


def _imports(tree: ast.Module, package: str) -> Iterator[tuple[str, tuple[str, str | None]]]:
    """What each imported name of a module means."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.name if alias.asname else alias.name.partition(".")[0]
                yield alias.asname or name, (name, None)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            path = ".".join([*filter(None, above), *filter(None, [node.module])])
            for alias in node.names:
                yield alias.asname or alias.name, (path, alias.name)


def _signature(function: Function, node: Definition, *, skip_first: bool) -> None:
    """Add the arguments of a function or a method as `inspect.getfullargspec` tells them."""
    wrapped = [item for item in node.decorator_list if getattr(item, "id", "") not in ("staticmethod", "classmethod")]
    if wrapped:
        function.takes_all = True
        return
    spec = node.args
    names = [*spec.posonlyargs, *spec.args]
    defaults = [None] * (len(names) - len(spec.defaults)) + list(spec.defaults)
    pairs = list(zip(names, defaults, strict=True))[1 if skip_first else 0 :]
    function.arguments += tuple(argument_of(node, name, default) for name, default in pairs)
    function.takes_all |= spec.kwarg is not None


def _position(module: _Module, node: ast.AST) -> Position:
    return Position(module.file, getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1)
