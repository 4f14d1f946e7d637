"""The values of what the templates of a line read, as they stand at the end of the line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..workflow.text import json_text

if TYPE_CHECKING:
    from ..debugger.inspect import Inspection, Param

_NAME = re.compile(r"""(?<![\w.$"'])[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*""")
_TEXT = re.compile(r"""(["'])(?:(?!\1)[^\\]|\\.)*\1""")


def inline_values(line: str, inspection: Inspection) -> str:
    """`rate = 0.05  region = "west"`: each param that a line's templates name, once; blank if there is none."""
    read = (_param(inspection, path) for path in _reads(line))
    params = {param.path: param for param in read if param}
    return "  ".join(f"{'.'.join(path)} = {json_text(param.value)}" for path, param in params.items())


def _reads(line: str) -> Iterator[tuple[str, ...]]:
    """The names in a line's templates, with what is behind their dots."""
    from ..params.template import split

    for expression in split(line).expressions:
        if expression.path:
            yield expression.path
        else:
            names = _NAME.findall(_TEXT.sub('""', expression.source))
            yield from (tuple(name.split(".")) for name in names)


def _param(inspection: Inspection, path: tuple[str, ...]) -> Param | None:
    """The param that a path leads to, or as much of the path as there is."""
    found = (inspection.find(path[:length]) for length in range(len(path), 0, -1))
    return next((param for param in found if param), None)
