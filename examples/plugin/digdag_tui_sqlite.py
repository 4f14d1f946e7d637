"""`sqlite>`: a query on an SQLite file of the project, its rows stored for the tasks that follow."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from digdag_tui.engine.operator import OperatorContext, OperatorResult
from digdag_tui.operators.template_command import template_command
from digdag_tui.workflow.convert import read_string
from digdag_tui.workflow.errors import TaskExecutionError


async def sqlite(context: OperatorContext) -> OperatorResult:
    """Run the query in the file that `sqlite>` names on `database`, and store its rows as `sqlite.rows`.

    Raises:
        ConfigError: the file is not there, or there is no `database`.
        TaskExecutionError: SQLite refuses the query.
    """
    database = context.file(read_string(context.config, "database"))
    query = template_command(context, context.config, "query")
    context.artifact(str(context.config["_command"]), query)
    try:
        rows = await asyncio.to_thread(_rows, database, query)
    except sqlite3.Error as error:
        raise TaskExecutionError(f"SQLite: {error}", hint="the pane Task has the query as it was sent") from error
    context.output(f"{len(rows)} rows\n")
    return OperatorResult(store={"sqlite": {"rows": rows}}, reset_store=("sqlite.rows",))


def _rows(database: Path, query: str) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(database)) as connection, connection:
        cursor = connection.execute(query)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
