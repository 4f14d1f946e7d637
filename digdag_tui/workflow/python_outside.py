"""Python files that are meant to be run on their own too, and that only Digdag can run (operators 4.4)."""

from __future__ import annotations

import ast
from collections.abc import Iterator

_CATCHES = frozenset(("ImportError", "ModuleNotFoundError", "Exception", "BaseException"))


def import_that_fails(tree: ast.Module) -> ast.stmt | None:
    """The `import digdag` that ends a file with an `if __name__ == "__main__":` when Python runs it on its own.

    Digdag has that module only while it runs a task. What the file imports elsewhere than at its top counts where the
    functions do it that its main part names.
    """
    main = next((node for node in tree.body if isinstance(node, ast.If) and _asks_for_main(node.test)), None)
    if main is None:
        return None
    named = {node.id for node in ast.walk(main) if isinstance(node, ast.Name)}
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in named]
    bodies = [tree.body, *(function.body for function in functions), main.body]
    return next((found for body in bodies for found in _imports(body)), None)


def _asks_for_main(test: ast.expr) -> bool:
    match test:
        case ast.Compare(left=ast.Name(id="__name__"), ops=[ast.Eq()], comparators=[ast.Constant(value="__main__")]):
            return True
        case _:
            return False


def _imports(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The imports of digdag that are made whatever happens, and that nothing catches."""
    for node in body:
        match node:
            case ast.Import(names=names) if any(alias.name.partition(".")[0] == "digdag" for alias in names):
                yield node
            case ast.ImportFrom(module=str() as module, level=0) if module.partition(".")[0] == "digdag":
                yield node
            case ast.Try(body=inner, handlers=handlers) if not any(map(_catches, handlers)):
                yield from _imports(inner)
            case ast.With(body=inner):
                yield from _imports(inner)
            case _:
                pass


def _catches(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or getattr(kind, "id", "") in _CATCHES for kind in kinds)
