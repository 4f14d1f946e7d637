"""A journal's events with what a journal does not keep: where the keys of tasks stand in the files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

import msgspec

from ..engine.events import AnyEvent, NewTask
from ..engine.planner import rows
from ..workflow.config import Config, Params, Value
from ..workflow.errors import DigdagError
from .launch import Loaded

NOT_OWN = ("_export", "_after", "_background")
"""Keys that a compiled task does not have in its own config."""
_encoder = msgspec.json.Encoder(order="sorted")


def placed_events(events: Iterable[AnyEvent], loaded: Loaded | None) -> Iterator[AnyEvent]:
    """The events; tasks whose definition is still in the project's files have its places."""
    if loaded is None:
        yield from events
        return
    places = _Places(loaded)
    for event in events:
        added = getattr(event, "added", ())
        yield msgspec.structs.replace(event, added=tuple(map(places.placed, added))) if added else event


class _Places:
    """Finds the definitions of tasks: those of the workflow by name, generated ones in the tasks around them."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self._defined: dict[str, NewTask] = {}
        with suppress(DigdagError):
            self._defined = {row.full_name: row for row in rows(loaded.tasks)}
        self._rows: dict[int, NewTask] = {}
        self._bodies: dict[int, dict[bytes, Config]] = {}
        """By the task that it is inside of, 0 for none: what stands in the files, by what it says."""

    def placed(self, row: NewTask) -> NewTask:
        """A row with places, if its definition is found."""
        same = self._defined.get(row.full_name)
        is_same = same is not None and same.config == row.config
        config = same.config if same and is_same else self._find(row.config, row)
        export = same.export if same and is_same and same.export == row.export else self._find(row.export, row)
        row = self._rows[row.id] = msgspec.structs.replace(row, config=config, export=export)
        return row

    def _find(self, config: Params, row: NewTask) -> Params:
        """What the files have that says what `config` of `row` does; `config` itself if nothing has."""
        if not config:
            return config
        wanted = _encoder.encode(config)
        around = self._rows.get(row.parent or 0)
        while around:
            if wanted in (bodies := self._inside(around)):
                return bodies[wanted]
            around = self._rows.get(around.parent or 0)
        if 0 not in self._bodies:
            workflows = self._loaded.project.workflows.values()
            self._bodies[0] = _bodies([workflow.config for workflow in workflows])
        return self._bodies[0].get(wanted, config)

    def _inside(self, row: NewTask) -> dict[bytes, Config]:
        if row.id not in self._bodies:
            self._bodies[row.id] = _bodies([*row.config.values(), *row.export.values()])
        return self._bodies[row.id]


def _bodies(values: Iterable[Value]) -> dict[bytes, Config]:
    """All mappings from files in `values`, as tasks have them, by what they say; of equal ones the first."""
    found: dict[bytes, Config] = {}
    for value in values:
        for body in _mappings(value):
            own = body.without(*NOT_OWN, *(key for key in body if key[:1] == "+"))
            found.setdefault(_encoder.encode(own), own)
    return found


def _mappings(value: Value) -> Iterator[Config]:
    children: Params = value if isinstance(value, dict) else {}
    if isinstance(value, Config):
        yield value
    for child in children.values():
        yield from _mappings(child)
