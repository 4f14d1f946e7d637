"""`digdag-tui diff`: what differs between two attempts that were run here."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..workflow.errors import DigdagError

if TYPE_CHECKING:
    from ..debugger.attempt_diff import RunDifference, TaskRun
    from ..debugger.compare import Difference
    from ..debugger.history import PastAttempt
    from ..engine.attempt import Attempt
    from ..workflow.config import Params


@click.command("diff", short_help="Compare two attempts.")
@click.argument("old", metavar="ATTEMPT")
@click.argument("new", metavar="ATTEMPT")
@click.argument("task", required=False, metavar="[+TASK]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--project", default=".", metavar="DIR", help="The project's directory; by default this one.")
def command(old: str, new: str, task: str | None, as_json: bool, project: str) -> int:
    """Compare two attempts: states, params, stored values and errors of their tasks, and what took much longer.

    An ATTEMPT is named as the debugger lists it, such as sales/20260131T000000+0900/3; also 3 in the newest session,
    or `last`. +TASK, the end of a task's name, compares that task only.

    The exit code is 0 when the attempts are alike, 1 when they differ, 2 for a mistake. How long tasks took makes no
    difference.
    """
    try:
        return _compare(Path(project).absolute(), old, new, task, as_json)
    except (DigdagError, OSError) as error:
        message = error.error_message if isinstance(error, DigdagError) else f"{error.filename}: {error.strerror}"
        hint = f": {error.hint}" if isinstance(error, DigdagError) and error.hint else ""
        click.echo(f"error: {message}{hint}", err=True)
        return 2


def _compare(project: Path, old: str, new: str, task: str | None, as_json: bool) -> int:
    from ..debugger.attempt_diff import attempt_differences, given_differences
    from ..params.evaluate import Evaluator

    (one, before), (other, after) = (_read(project, wanted) for wanted in (old, new))
    runs = list(attempt_differences(before, after, Evaluator()))
    given = given_differences(before, after)
    if task:
        names = {run.full_name for run in runs if run.full_name == task or run.full_name.endswith(task)}
        if not names:
            raise DigdagError(f"neither attempt has a task whose name ends in {task}")
        runs, given = [run for run in runs if run.full_name in names], []
    different = [run for run in runs if run.differs]
    if as_json:
        sys.stdout.write(_json(one, other, given, runs) + "\n")
    else:
        sys.stdout.writelines(f"{_safe(line)}\n" for line in _text(one, other, given, runs))
    return 1 if different or given else 0


def _read(project: Path, wanted: str) -> tuple[PastAttempt, Attempt]:
    """What a journal tells, and its attempt.

    Raises:
        DigdagError: there is no such attempt, or nothing of it can be read.
        OSError: the journal cannot be read.
    """
    from ..debugger.history import find_attempt, past_attempt
    from ..engine.attempt import Attempt
    from ..engine.journal import read_journal
    from .log import tell_damage

    path = find_attempt(project, wanted)
    past = past_attempt(path)
    if past is None:
        raise DigdagError(f"{path} has no attempt in it", hint="its first line is damaged")
    attempt = Attempt()
    for event in read_journal(path, output=False, on_damage=partial(tell_damage, path)):
        attempt.apply(event)
    return past, attempt


def _text(one: PastAttempt, other: PastAttempt, given: list[Difference], runs: list[RunDifference]) -> Iterator[str]:
    from .log import time_text

    width = max(len(one.id), len(other.id))
    for sign, past in (("-", one), ("+", other)):
        failed = f" at {past.failed_task}" if past.failed_task and not past.success else ""
        yield f"{sign} {past.id:{width}}  {time_text(past.began)}  {past.outcome}{failed}"
    yield from _section("given", given, ["", "params given to the attempts"])
    different = [run for run in runs if run.differs or run.took_another_time]
    for run in different:
        yield from ("", run.full_name)
        yield from _run_text(run)
    count = sum(run.differs for run in runs)
    alike = f"{len(runs) - count:,} alike"
    yield ""
    yield (
        f"{count:,} of {len(runs):,} tasks differ, {alike}"
        if count or given
        else f"no difference in {len(runs):,} tasks"
    )


def _run_text(run: RunDifference) -> Iterator[str]:
    old, new = run.old, run.new
    if old is None or new is None:
        there = old or new
        assert there
        which = "first" if old else "second"
        yield f"  only in the {which} attempt: {there.state}"
        return
    if old.state != new.state:
        yield f"  state     {old.state} → {new.state}"
    for name, found in run.sections.items():
        yield from _section(name, found, [])
    if old.error != new.error:
        for sign, error in (("-", old.error), ("+", new.error)):
            first, *rest = error.strip().split("\n") if error else ["no error"]
            yield f"  error   {sign} {first}"
            yield from (f"            {line}" for line in rest[:8])
    if run.took_another_time:
        from ..workflow.text import java_text

        yield f"  took      {java_text(round(old.seconds or 0, 1))}s → {java_text(round(new.seconds or 0, 1))}s"


def _section(name: str, found: list[Difference], head: list[str]) -> Iterator[str]:
    from ..workflow.text import json_text

    yield from head if found else ()
    for number, difference in enumerate(found):
        left = f"  {name if not number else '':9} {difference.name}"
        match difference.kind:
            case "added":
                yield f"{left}: none → {json_text(difference.new)}"
            case "removed":
                yield f"{left}: {json_text(difference.old)} → none"
            case _:
                yield f"{left}: {json_text(difference.old)} → {json_text(difference.new)}"


def _json(one: PastAttempt, other: PastAttempt, given: list[Difference], runs: list[RunDifference]) -> str:
    from ..engine.journal import encode

    different = [run for run in runs if run.differs]
    result: Params = {
        "attempts": [
            {"id": past.id, "outcome": past.outcome, "began": past.began, "failed_task": past.failed_task}
            for past in (one, other)
        ],
        "alike": not different and not given,
        "given": given,
        "tasks": [_run_object(run) for run in different],
        "alike_tasks": len(runs) - len(different),
    }
    return encode(result).decode()


def _run_object(run: RunDifference) -> Params:
    def pair(name: str) -> list[object]:
        sides: tuple[TaskRun | None, ...] = (run.old, run.new)
        return [getattr(side, name) if side else None for side in sides]

    return {
        "task": run.full_name,
        **{name: pair(name) for name in ("state", "error", "seconds", "retries")},
        **run.sections,
    }


def _safe(line: str) -> str:
    from .log import CONTROLS

    return line.translate(CONTROLS)
