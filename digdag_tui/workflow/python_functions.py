"""The signature of a function of the project: its own, or what decorators and `functools.partial` leave of it.

The runner does not look behind a decorator (operators 4.4).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from .python_arguments import Argument, arguments_of
from .python_files import Module
from .python_lookup import Lookup, Outside, Thing
from .python_names import Definition
from .python_signature import Signature

_NEUTRAL: Final = frozenset((
    "abc.abstractmethod", "atexit.register", "functools.wraps", "typing.final", "typing.no_type_check",
    "typing.override", "typing_extensions.override",
))  # fmt: skip
"""Decorators that hand on the function they get."""
_NOT_ENTERED: Final = "is a context manager that nobody enters: nothing in it runs"
_LOOSE: Final = {
    "contextlib.contextmanager": _NOT_ENTERED,
    "contextlib.asynccontextmanager": _NOT_ENTERED,
    "functools.singledispatch": None,
}
"""Decorators that make a function of `*args, **kwargs`, and why nothing in it runs."""
_REFUSED: Final = frozenset(("functools.lru_cache", "functools.cache"))
_METHODS: Final = frozenset(("builtins.staticmethod", "builtins.classmethod"))


def signature_of(lookup: Lookup, module: Module, node: ast.AST, name: str, owner: str = "") -> Signature:
    """The signature of a definition, a lambda or a `partial` that goes by `name`.

    Args:
        owner: the class that it is a method of; the runner leaves out its first argument then.
    """
    position, skip, within = module.position(node), bool(owner), f"{owner}." if owner else ""
    match node:
        case ast.Lambda():
            return Signature(f"{within}<lambda>", position, arguments_of(node, module.file), int(skip))
        case ast.Call():
            return _partial(lookup, module, node, within + name, skip=skip)
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            arguments = arguments_of(node, module.file)
            plain = Signature(within + node.name, position, arguments, int(skip), never_runs=_never_runs(node))
            for decorator in reversed(node.decorator_list):
                plain = _decorated(lookup, module, decorator, plain, in_class=skip)
            return plain
        case _:
            return Signature(within + name, position, unknown=f"{name} is a class")


def _partial(lookup: Lookup, module: Module, node: ast.Call, title: str, *, skip: bool) -> Signature:
    """What `functools.partial` leaves of a function's arguments: behind one given by name, all are by keyword only."""
    position = module.position(node)
    unknown = Signature(title, position, unknown=f"only a run tells what {ast.unparse(node)} takes")
    found = [*lookup.value(module, node.args[0])] if node.args else []
    given = {item.arg: item.value for item in node.keywords}
    simple = not any(isinstance(item, ast.Starred) for item in node.args) and None not in given
    if len(found) != 1 or not isinstance(found[0], Thing) or not simple or isinstance(found[0].node, ast.ClassDef):
        return unknown
    inner = signature_of(lookup, found[0].module, found[0].node, title)
    positional = [item for item in inner.arguments if item.kind.startswith("positional")]
    count = len(node.args) - 1
    if inner.unknown or count > len(positional) or given.keys() & {item.name for item in positional[:count]}:
        return unknown
    arguments: list[Argument] = []
    by_name = False
    for item in inner.arguments:
        value = given.get(item.name)
        if item in positional[:count] or (by_name and item.kind == "variadic positional"):
            continue
        if item.kind == "positional or keyword" and (by_name or value is not None):
            by_name, item = True, replace(item, kind="keyword-only")
        arguments.append(item if value is None else replace(item, default=ast.unparse(value)))
    return Signature(
        title, position, tuple(arguments), int(skip), is_bound=False, never_runs=inner.never_runs, names_missing=False
    )


def _decorated(
    lookup: Lookup, module: Module, decorator: ast.expr, signature: Signature, *, in_class: bool
) -> Signature:
    """What a decorator makes of a signature."""
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    shown = f"@{ast.unparse(target)}"
    found = [*lookup.value(module, target)]
    if signature.unknown:
        return signature
    match found:
        case [Outside(name)] if name in _NEUTRAL:
            return signature
        case [Outside(name)] if name in _METHODS and in_class:
            return replace(signature, is_bound=name != "builtins.staticmethod")
        case [Outside(name)] if name in _REFUSED:
            reason = f"{shown} hides what it takes, and the runner refuses it: unsupported callable"
            return replace(signature, arguments=(), unknown=reason)
        case [Outside(name)] if name in _LOOSE:
            place = signature.position
            arguments = (
                Argument("args", kind="variadic positional", position=place),
                Argument("kwargs", kind="variadic keyword", position=place),
            )
            return _wrapped(signature, shown, arguments, _LOOSE[name] or signature.never_runs)
        case [Thing(where, ast.FunctionDef() as function)]:
            inner = _returned(lookup, where, function)
            if isinstance(decorator, ast.Call):
                inner = _returned(lookup, where, inner) if isinstance(inner, ast.FunctionDef) else None
            if inner is function or inner == "same":
                return signature
            if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
                runs = _never_runs(inner) or signature.never_runs
                title = signature.title if inner.decorator_list else f"{function.name}.<locals>.{inner.name}"
                return _wrapped(replace(signature, title=title), shown, arguments_of(inner, where.file), runs)
        case _:
            pass
    reason = f"{shown} may change what it takes (line {decorator.lineno})"
    return replace(signature, arguments=(), unknown=reason)


def _wrapped(signature: Signature, wrapper: str, arguments: tuple[Argument, ...], never_runs: str | None) -> Signature:
    hidden = signature.hidden or signature.arguments
    return replace(signature, arguments=arguments, hidden=hidden, wrapper=wrapper, never_runs=never_runs)


def _returned(lookup: Lookup, module: Module, function: ast.FunctionDef) -> Definition | str | None:
    """What a decorator returns: `same` for the function that it gets, an inner function, or None if unsure."""
    values = [node.value for node in _own_nodes(function) if isinstance(node, ast.Return)]
    if len(values) != 1 or not isinstance(values[0], ast.Name):
        return None
    name = values[0].id
    if any(isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store)
           for node in _own_nodes(function)):  # fmt: skip
        return None
    inner = [node for node in function.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    inner = [node for node in inner if node.name == name]
    if not inner:
        return "same" if function.args.args and function.args.args[0].arg == name else None
    wraps = (
        [*lookup.value(module, item.func)] if isinstance(item, ast.Call) else [] for item in inner[-1].decorator_list
    )
    return inner[-1] if all(found == [Outside("functools.wraps")] for found in wraps) else None


def _own_nodes(function: Definition) -> Iterator[ast.AST]:
    """What stands in a function, without what stands in the functions and classes in it."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)


def _never_runs(node: Definition) -> str | None:
    """Why a call does not run the body of a function."""
    if any(isinstance(inner, ast.Yield | ast.YieldFrom) for inner in _own_nodes(node)):
        return "is a generator that nobody iterates: nothing in it runs"
    if isinstance(node, ast.AsyncFunctionDef):
        return "is async, and nobody awaits it: nothing in it runs"
    return None
