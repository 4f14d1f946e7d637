"""Carries out what the planner decides: evaluates params, calls operators, keeps the journal (asyncio)."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from ..params.builtins import BuiltIns
from ..params.evaluate import Evaluator
from ..workflow.config import Params, merge
from ..workflow.convert import read_map
from ..workflow.errors import DigdagError, TaskRuntimeError
from ..workflow.keys import hash_order, suggestions
from ..workflow.text import json_text
from .attempt import DONE, Attempt, Task
from .call import Call, class_words, env_templates, failure_text, place, prepare
from .events import (
    AnyEvent,
    AttemptStarted,
    CancelRequested,
    EditUndone,
    GroupPlanned,
    ParamEdited,
    RetryScheduled,
    TaskArtifact,
    TaskFailed,
    TaskLogged,
    TaskOutput,
    TaskReady,
    TaskStarted,
    TaskSucceeded,
)
from .journal import Journal
from .operator import (
    AttemptRequest,
    Keep,
    OperatorContext,
    OperatorEntry,
    OperatorResult,
    OutputNeeded,
    PollingRetry,
    RequiredAttempt,
)
from .planner import Planner, failure
from .recording import Edits, Outcome, Recording
from .retry import RetryPolicy
from .scopes import Scopes

MANAGER = "io.digdag.core.agent.OperatorManager"
BASE_OPERATOR = "io.digdag.util.BaseOperator"
TOLD_AGAIN_AFTER = 30 * 60
"""Seconds after which every tenth call of a task is logged as the first one is (core 10.2)."""
LOGGED_KEYS = (
    "project_id", "session_id", "session_time", "attempt_id", "task_name", "last_session_time",
    "last_executed_session_time", "next_session_time", "session_uuid", "timezone",
)  # fmt: skip
"""What is logged at DEBUG of a task's evaluated params (cli 2.5)."""


class Gate(Protocol):
    """Who may hold tasks: before they start, and when they failed."""

    @property
    def holding(self) -> bool:
        """Whether nothing more is to follow from what has happened, until a `wake`."""

    def release(self, ready: Sequence[Task]) -> Sequence[Task]:
        """Which of the ready tasks may start now; asked again after each event and each `wake`."""

    def calling(self, task: Task, context: OperatorContext) -> None:
        """A task's operator is about to be called with `context`, which may be changed."""

    async def failed(self, task: Task, error: DigdagError) -> OperatorResult | bool:
        """How a task that failed goes on: False to fail, True to be called again, or a result to have instead."""


class Environment(Protocol):
    """What the runner needs from outside the engine."""

    project: Path
    evaluator: Evaluator
    settings: Mapping[str, str]
    keep: Keep
    verbose: bool
    """Whether anyone may read what is logged at DEBUG of each task."""

    def operator(self, name: str) -> OperatorEntry: ...

    def secret(self, key: str) -> str | None: ...

    def masked(self, text: str, is_cut: bool) -> str: ...


def unanswered(error: DigdagError) -> DigdagError:
    """The error that a task fails with when nobody gives its output."""
    if not isinstance(error, OutputNeeded) or error.unanswered is None:
        return error
    error.unanswered.position = error.unanswered.position or error.position
    return error.unanswered


class Runner:
    """Runs one attempt to its end; everything happens in the event loop that `run` is awaited in."""

    def __init__(
        self,
        environment: Environment,
        listener: Callable[[AnyEvent], None],
        *,
        attempt: Attempt | None = None,
        journal: Journal | None = None,
        gate: Gate | None = None,
        recording: Recording | None = None,
        max_tasks: int | None = None,
        require: Callable[[AttemptRequest], RequiredAttempt | None] = lambda request: None,
    ) -> None:
        self.attempt = attempt or Attempt()
        self.planner = Planner(self.attempt)
        self.scopes = Scopes(self.attempt)
        self._environment = environment
        self._listener = listener
        self._journal = journal
        self._gate = gate
        self._recording = recording or Recording()
        self._max_tasks = max_tasks
        self._require = require
        self._ready: list[Task] = []
        self._calls: dict[int, asyncio.Task[None]] = {}
        self._wake = asyncio.Event()
        self._built_ins: BuiltIns | None = None
        self._broken: Exception | None = None
        self._left = False

    def emit(self, event: AnyEvent) -> None:
        """Let an event happen: in the state, the journal and for the listener."""
        self.attempt.apply(event)
        if self._journal:
            self._journal.write(event)
        if not isinstance(event, TaskOutput | TaskLogged | TaskArtifact):
            self.planner.observe(event)
            self._follow(event)
        self._listener(event)

    async def run(self, started: AttemptStarted | None = None) -> bool:
        """Run from `started`, or go on with the attempt that was given, to the end; True for a success.

        Raises:
            OSError: the journal cannot be written.
        """
        if started:
            self.emit(started)
        else:
            self._resume()
        while self.attempt.success is None:
            if self._left:
                await asyncio.gather(*self._calls.values(), return_exceptions=True)
                return False
            self._advance()
            if self.attempt.success is None:
                await self._pause()
            if self._broken:
                raise self._broken
        return self.attempt.success

    def cancel(self) -> None:
        """Stop the attempt: nothing new starts, what runs is ended (core 5.7)."""
        if not self.attempt.cancel_requested and self.attempt.success is None:
            self.emit(CancelRequested(time.time()))
            for call in self._calls.values():
                call.cancel()
            self._wake.set()

    def leave(self) -> None:
        """End without an end: what is called is cut off, and the journal can be gone on with."""
        self._left = True
        for call in self._calls.values():
            call.cancel()
        self._wake.set()

    async def drain(self, wanted: Callable[[Task], bool]) -> None:
        """Wait until no call of a wanted task is under way."""
        calls = [call for task_id, call in self._calls.items() if wanted(self.attempt.tasks[task_id])]
        if calls:
            await asyncio.wait(calls)

    def params(self, task: Task) -> Params:
        """All params of a task that its own keys lie over, built-in ones among them, unevaluated."""
        params = self.scopes.params(task)
        return merge(params, self.built_ins.for_task(task.full_name, params))

    @property
    def built_ins(self) -> BuiltIns:
        if self._built_ins is None:
            start = self.attempt.start
            self._built_ins = BuiltIns(
                start.session_uuid,
                start.session_time,
                start.timezone,
                session_id=start.session_id,
                attempt_id=start.attempt_id,
                retry_attempt_name=start.retry_attempt_name,
            )
        return self._built_ins

    @property
    def waiting_edits(self) -> Edits:
        """Edits of an earlier attempt, by their tasks' rows, which are not ready yet."""
        return self._recording.edits

    def _follow(self, event: AnyEvent) -> None:
        match event:
            case TaskReady():
                task = self.attempt.tasks[event.task]
                self.scopes.entered(task)
                self._ready.append(task)
                for edit in self._edits_of(task):
                    self.emit(msgspec.structs.replace(edit, task=task.id))
            case TaskSucceeded():
                self.scopes.changed(self.attempt.tasks[event.task])
            case ParamEdited() | EditUndone():
                if event.scope == "session":
                    self.scopes.rebased()
                else:
                    self.scopes.changed(self.attempt.tasks[event.task])
            case _:
                pass

    def _edits_of(self, task: Task) -> list[ParamEdited]:
        """The edits that waited for a task."""
        edits = self._recording.edits
        if all(name != task.full_name for name, _ in edits):
            return []
        same = (other.full_name == task.full_name for other in self.attempt.tasks.values() if other.id <= task.id)
        return edits.pop((task.full_name, sum(same)), [])

    def _resume(self) -> None:
        """What was ready or running when the journal ended runs now."""
        for task in self.attempt.tasks.values():
            if task.cancel_requested and task.state == "running":
                self._emit_all(self.planner.canceled(task, time.time()))
            elif not task.cancel_requested and task.state in ("ready", "running"):
                self.emit(TaskReady(time.time(), task.id))

    def wake(self) -> None:
        """Ask the gate again."""
        self._wake.set()

    def start(self, task: Task, instead: OperatorResult | None = None) -> None:
        """Start a ready task now; a result given `instead` is taken for its operator's, which is not called."""
        self._ready.remove(task)
        if task.is_group:
            self._recording.take(task)
            self.emit(GroupPlanned(time.time(), task.id))
        else:
            self._calls[task.id] = asyncio.create_task(self._carry_out(task, instead))

    def _advance(self) -> None:
        self._wake.clear()
        while not self._is_held():
            for event in self.planner.decisions(time.time()):
                self.emit(event)
            self._ready = [task for task in self._ready if task.state == "ready"]
            startable = self._startable()
            for task in startable:
                self.start(task)
            if not any(task.is_group for task in startable):
                return

    def _startable(self) -> list[Task]:
        """The ready tasks that start now: recorded ones at once, others as the gate and the limit of threads allow."""
        recorded = [task for task in self._ready if self._recording.covers(task)]
        if recorded or not self._ready:
            return recorded
        released = list(self._gate.release(self._ready) if self._gate else self._ready)
        if self._max_tasks:
            groups = [task for task in released if task.is_group]
            free = self._max_tasks - len(self._calls)
            return groups + [task for task in released if not task.is_group][: max(0, free)]
        return released

    def _is_held(self) -> bool:
        return self._gate is not None and self._gate.holding

    async def _pause(self) -> None:
        due = None if self._is_held() else self.planner.next_time
        if due is None:
            await self._wake.wait()
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), max(0.0, due - time.time()))

    async def _carry_out(self, task: Task, instead: OperatorResult | None) -> None:
        try:
            outcome = self._recording.take(task) if instead is None else None
            if outcome:
                self._repeat(task, outcome)
            else:
                await self._attempt_task(task, instead)
        except asyncio.CancelledError:
            if task.state not in DONE and not self._left:
                self._emit_all(self.planner.canceled(task, time.time()))
        except Exception as error:
            self._broken = error
        finally:
            del self._calls[task.id]
            self._wake.set()

    def _repeat(self, task: Task, outcome: Outcome) -> None:
        """Have an earlier call's outcome again, without calling."""
        self.emit(TaskStarted(outcome.started, task.id))
        for said in outcome.said:
            self.emit(msgspec.structs.replace(said, task=task.id))
        end = outcome.end
        match end:
            case TaskSucceeded():
                result = OperatorResult(end.subtasks, end.export, end.store, end.reset_store)
                self._emit_all(self.planner.succeeded(task, result, end.at))
            case TaskFailed():
                self._emit_all(self.planner.failed(msgspec.structs.replace(end, task=task.id, added=())))
            case RetryScheduled():
                self.emit(RetryScheduled(end.at, task.id, time.time(), end.state_params))
            case None:
                raise ValueError("an outcome without an end")

    async def _attempt_task(self, task: Task, result: OperatorResult | None) -> None:
        """Call a task's operator, again as often as the gate wants it."""
        while True:
            self.emit(TaskStarted(time.time(), task.id))
            policy = RetryPolicy()
            try:
                if result is None:
                    call = prepare(task, self.params(task), self._environment.evaluator)
                    self._log_start(task, call)
                    entry = self._environment.operator(call.operator)
                    context = self._context(task, call)
                    if entry.retries:
                        _ = context.workspace
                        policy = RetryPolicy.parse(call.config.get("_retry", 0))
                    result = await self._call(task, call, entry, context)
            except PollingRetry as poll:
                self.emit(RetryScheduled(time.time(), task.id, time.time() + poll.seconds, poll.state))
                return
            except DigdagError as error:
                error.position = error.position or place(task)
                verdict = await self._gate.failed(task, error) if self._gate else False
                if verdict is False:
                    return self._fail(task, unanswered(error), policy)
                if verdict is True:
                    result = None
                    continue
                result = verdict
            return self._emit_all(self.planner.succeeded(task, result, time.time()))

    def _log_start(self, task: Task, call: Call) -> None:
        """Digdag's line about a call; of many, only some are for everybody (core 10.2)."""
        if self._environment.verbose:
            logged = {key: call.config[key] for key in LOGGED_KEYS if call.config.get(key) is not None}
            self._log(task, "DEBUG", MANAGER, f"evaluated config: {json_text(logged)}")
        if not task.retries:
            self._log(task, "INFO", MANAGER, call.title)
            return
        told = task.retries % 10 == 0 and time.time() - (task.started_at or 0) > TOLD_AGAIN_AFTER
        self._log(task, "INFO" if told else "DEBUG", MANAGER, f"(retry: {task.retries}) {call.title}")

    def _context(self, task: Task, call: Call) -> OperatorContext:
        """What an operator is called with.

        Raises:
            ConfigError: `_secrets` or `_env` is no map.
        """
        return OperatorContext(
            task_id=task.id,
            full_name=task.full_name,
            config={key: value for key, value in call.config.items() if key != "_secrets"},
            local=call.local,
            secret_mounts=read_map(call.config, "_secrets", {}),
            env=env_templates(call.config, call.local),
            project=self._environment.project,
            state=task.state_params,
            task_limit=self.attempt.start.task_limit,
            output=lambda text: self.emit(TaskOutput(time.time(), task.id, text)),
            log=lambda level, logger, message: self._log(task, level, logger, message),
            secret=self._environment.secret,
            evaluate=self._environment.evaluator.text,
            settings=self._environment.settings,
            artifact=lambda name, text: self.emit(TaskArtifact(time.time(), task.id, name, text)),
            require=self._require,
            masked=self._environment.masked,
            keep=self._environment.keep,
        )

    async def _call(self, task: Task, call: Call, entry: OperatorEntry, context: OperatorContext) -> OperatorResult:
        if self._gate:
            self._gate.calling(task, context)
        try:
            result = await entry.run(context)
        except (DigdagError, PollingRetry, asyncio.CancelledError):
            raise
        except Exception as error:
            raise TaskRuntimeError(str(error) or type(error).__name__, class_words(type(error).__name__)) from error
        self._warn_unused(task, call, entry)
        return result

    def _fail(self, task: Task, error: DigdagError, policy: RetryPolicy) -> None:
        count = int(task.state_params.get("retry_count", 0))
        if count < policy.limit and not task.cancel_requested:
            self._log(task, "ERROR", BASE_OPERATOR, "Task failed, retrying")
            now = time.time()
            state_params = {**task.state_params, "retry_count": count + 1}
            self.emit(RetryScheduled(now, task.id, now + policy.interval(count), state_params))
            return
        self._log(task, "ERROR", MANAGER, failure_text(task.full_name, error))
        self._emit_all(self.planner.failed(failure(task, error, time.time())))

    def _warn_unused(self, task: Task, call: Call, entry: OperatorEntry) -> None:
        """Digdag's report of keys that an operator did not look at (core 6.7)."""
        if entry.reads is None:
            return
        known = {*entry.reads, "_type", f"{call.operator}>", *task.edits}
        for key in hash_order([key for key in call.local if key not in known]):
            near = suggestions(key, hash_order(entry.reads))
            hint = f"\n  > Did you mean [{', '.join(near)}]?" if near else ""
            self._log(task, "ERROR", MANAGER, f"Parameter '{key}' is not used at task {task.full_name}.{hint}")

    def _log(self, task: Task, level: str, logger: str, message: str) -> None:
        self.emit(TaskLogged(time.time(), task.id, level, logger, message))

    def _emit_all(self, events: Iterable[AnyEvent]) -> None:
        for event in events:
            self.emit(event)
