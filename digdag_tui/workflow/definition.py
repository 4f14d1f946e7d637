"""What a workflow file says: the workflow and its tasks, before anything runs."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from .config import Config
from .errors import Position


class TaskDefinition(Struct, frozen=True):
    """One task of a compiled tree (core 4).

    `parent` and `upstreams` are indexes into the list that the compiler returns; `config` holds the task's own
    keys, `_export` among them, unevaluated, without its subtasks and without `_after` and `_background: true`.
    """

    index: int
    full_name: str
    parent: int | None
    upstreams: tuple[int, ...]
    is_group: bool
    config: Config
    position: Position | None


class WorkflowDefinition(Struct, frozen=True):
    """A workflow file's content in Digdag's fixed order of keys (core 3); `timezone` is a zone id."""

    name: str
    path: Path
    timezone: str
    config: Config


class Project(Struct, frozen=True):
    """A directory and every workflow file directly in it; `sources` are all files that were read, included ones too."""

    directory: Path
    workflows: dict[str, WorkflowDefinition]
    sources: frozenset[Path]
