"""What may happen next, decided from the state alone (core 5): no clock, no thread, no process.

`Planner.observe` takes each event after it was applied; `decisions` gives the events that follow from it, which the
caller applies and observes in turn. Each decision looks only at the tasks that an event touched: counters tell when a
blocked task's last upstream succeeded and when a planned task's last child came to rest.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator

import msgspec

from ..params.layers import Layer, Source, merged
from ..workflow.compiler import compile_generated
from ..workflow.config import Config, Params, merge
from ..workflow.convert import read_map
from ..workflow.definition import TaskDefinition
from ..workflow.errors import ConfigError, DigdagError
from ..workflow.text import json_text
from .attempt import DONE, PROGRESSING, Attempt, Task
from .events import (
    AnyEvent,
    AttemptFinished,
    AttemptStarted,
    CancelRequested,
    ErrorDelayed,
    GroupPlanned,
    NewTask,
    RetryScheduled,
    SlaViolated,
    TaskEnded,
    TaskFailed,
    TaskLogged,
    TaskReady,
    TaskSucceeded,
)
from .operator import OperatorResult, error_object
from .retry import RetryPolicy
from .sla import sla_tasks

EXECUTOR = "io.digdag.core.workflow.WorkflowExecutor"
MANAGER = "io.digdag.core.agent.OperatorManager"
MONITOR = "io.digdag.core.session.SessionMonitorExecutor"


class TaskLimitError(DigdagError):
    """More rows than an attempt may have (core 9)."""

    kind = "task limit exceeded"

    def __init__(self, limit: int, current: int, adding: int) -> None:
        super().__init__(f"Too many tasks. Limit: {limit}, Current: {current}, Adding: {adding}")


def check_limit(limit: int, current: int, adding: int) -> None:
    """Refuse rows beyond the limit.

    Raises:
        TaskLimitError: there would be more than `limit`.
    """
    if current + adding > limit:
        raise TaskLimitError(limit, current, adding)


def rows(
    definitions: list[TaskDefinition],
    first_id: int = 1,
    parent: int | None = None,
    upstreams: tuple[int, ...] = (),
    initial: bool = True,
) -> tuple[NewTask, ...]:
    """Table rows for compiled tasks, ids from `first_id` on; `parent` and `upstreams` are those of the first.

    Raises:
        ConfigError: an `_export` is not an object (core 4.1).
    """
    return tuple(
        NewTask(
            id=first_id + task.index,
            full_name=task.full_name,
            parent=parent if task.parent is None else first_id + task.parent,
            upstreams=upstreams if task.parent is None else tuple(first_id + index for index in task.upstreams),
            is_group=task.is_group,
            config=_placed(task),
            export=read_map(task.config, "_export", {}) or {},
            initial=initial,
        )
        for task in definitions
    )


def _placed(task: TaskDefinition) -> Config:
    """A task's own keys but `_export`, with the place of its name."""
    if task.position is None and "_export" not in task.config:
        return task.config
    config = task.config.without("_export")
    config.position = task.position
    return config


def failure(task: Task, error: DigdagError, now: float) -> TaskFailed:
    """The event of a task that failed with `error`."""
    frames, exceptions = (tuple(getattr(error, name, ())) for name in ("frames", "exceptions"))
    return TaskFailed(now, task.id, error_object(error), frames, error.advice, exceptions=exceptions)


class Planner:
    """Decides for one attempt; see the module's text."""

    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt
        self._missing: dict[int, int] = {}
        """Blocked task → upstreams that are not yet a success."""
        self._downstream: dict[int, list[int]] = {}
        self._progressible: dict[int, int] = {}
        """Task → its children that may still get somewhere (core 5.2)."""
        self._startable: deque[Task] = deque()
        self._settled: deque[Task] = deque()
        self._retries: list[tuple[float, int]] = []
        if attempt.started:
            self._register(list(attempt.tasks.values()))

    @property
    def next_time(self) -> float | None:
        """When something is due by itself, in seconds since the epoch: a waiting task, or the `sla`."""
        times = [time for time in (self._next_retry, self._sla_at) if time is not None]
        return min(times, default=None)

    @property
    def _sla_at(self) -> float | None:
        attempt = self.attempt
        over = attempt.sla_violated or attempt.cancel_requested or attempt.started is None
        return None if over or attempt.root.state in DONE else attempt.start.sla_at

    @property
    def _next_retry(self) -> float | None:
        while self._retries:
            at, task_id = self._retries[0]
            if self.attempt.tasks[task_id].retry_at == at:
                return at
            heapq.heappop(self._retries)
        return None

    def observe(self, event: AnyEvent) -> None:
        """Take note of an event that was just applied."""
        match event:
            case TaskReady() | GroupPlanned():
                task = self.attempt.tasks[event.task]
                self._missing.pop(event.task, None)
                if isinstance(event, GroupPlanned):
                    self._register_added(event.added)
                    self._opened(task)
            case TaskSucceeded() | TaskFailed() | ErrorDelayed():
                task = self.attempt.tasks[event.task]
                self._register_added(event.added)
                self._opened(task) if task.state == "planned" else self._rested(task)
            case TaskEnded():
                self._rested(self.attempt.tasks[event.task])
            case RetryScheduled():
                heapq.heappush(self._retries, (event.retry_at, event.task))
            case AttemptStarted():
                self._register_added(event.added)
                self._startable.append(self.attempt.root)
            case SlaViolated():
                self._register_added(event.added)
                if self.attempt.root.state == "planned":
                    self._startable.extend(self.attempt.tasks[new.id] for new in event.added if new.parent == 1)
            case CancelRequested():
                self._stop_waiting()
            case _:
                pass

    def decisions(self, now: float) -> Iterator[AnyEvent]:
        """The events that follow by themselves, one at a time: apply and observe each before asking for the next."""
        while True:
            if self._startable:
                yield from self._start(self._startable.popleft(), now)
            elif (due := self._next_retry) is not None and due <= now:
                _, task_id = heapq.heappop(self._retries)
                yield from self._retry(self.attempt.tasks[task_id], now)
            elif (due := self._sla_at) is not None and due <= now:
                yield from self._violate_sla(now)
            elif self._settled:
                yield from self._settle(self._settled.popleft(), now)
            else:
                return

    def succeeded(self, task: Task, result: OperatorResult, now: float) -> list[AnyEvent]:
        """What an operator's result means: a success, or subtasks and a check to run first, or a failure to do so."""
        if task.cancel_requested:
            return [TaskEnded(now, task.id, "canceled")]
        try:
            added = self._result_tasks(task, result.subtasks)
        except ConfigError as error:
            message = f"Configuration error at task {task.full_name}: {error.log_message}"
            log = TaskLogged(now, task.id, "ERROR", EXECUTOR, message)
            return [log, *self.failed(failure(task, error, now))]
        except TaskLimitError as error:
            log = TaskLogged(now, task.id, "WARN", EXECUTOR, "Failed to add subtasks because of task limit")
            return [log, *self.failed(failure(task, error, now))]
        return [TaskSucceeded(now, task.id, result.store, result.export, result.reset_store, result.subtasks, added)]

    def canceled(self, task: Task, now: float) -> list[AnyEvent]:
        """The end of a task that is not called, or not to its end, because the attempt was stopped (core 5.7)."""
        log = TaskLogged(now, task.id, "WARN", MANAGER, f"Task {task.full_name} is canceled.")
        return [log, TaskEnded(now, task.id, "canceled")]

    def failed(self, failure: TaskFailed) -> list[AnyEvent]:
        """What an operator's failure means: an error, delayed by the task's `_error` if it has one."""
        task = self.attempt.tasks[failure.task]
        if task.cancel_requested:
            return [TaskEnded(failure.at, task.id, "canceled")]
        added, log = self._error_tasks(task, {"error": failure.error}, failure.at)
        return [*log, msgspec.structs.replace(failure, added=added)]

    def _register(self, tasks: list[Task]) -> None:
        """Count from scratch, for an attempt read back from its journal."""
        for task in tasks:
            self._count(task)
        for task in tasks:
            if task.state == "blocked" and not self._missing[task.id] and self._open(task):
                self._startable.append(task)
            elif task.state == "planned" and not self._progressible.get(task.id):
                self._settled.append(task)
            if task.retry_at is not None:
                heapq.heappush(self._retries, (task.retry_at, task.id))
        if self.attempt.root.state in DONE and self.attempt.success is None:
            self._settled.append(self.attempt.root)
        if self.attempt.cancel_requested:
            self._stop_waiting()

    def _stop_waiting(self) -> None:
        """The attempt was stopped: what waits for a call or for a retry is done with."""
        for task in self.attempt.tasks.values():
            if task.state in ("ready", "retry_waiting"):
                self._startable.append(task)
            elif task.state == "group_retry_waiting":
                self._settled.append(task)

    def _register_added(self, added: tuple[NewTask, ...]) -> None:
        for new in added:
            self._count(self.attempt.tasks[new.id])

    def _count(self, task: Task) -> None:
        missing = 0
        for upstream in task.upstreams:
            self._downstream.setdefault(upstream, []).append(task.id)
            missing += self.attempt.tasks[upstream].state != "success"
        if task.state == "blocked":
            self._missing[task.id] = missing
        if task.parent and (task.state in PROGRESSING or (task.state == "blocked" and not missing)):
            self._progressible[task.parent.id] = self._progressible.get(task.parent.id, 0) + 1

    def _open(self, task: Task) -> bool:
        return task.parent is None or task.parent.state in ("planned", "success")

    def _opened(self, task: Task) -> None:
        """`task` is planned: its children may start."""
        for child in task.children:
            if child.state == "blocked" and not self._missing[child.id]:
                self._startable.append(child)
        if not self._progressible.get(task.id):
            self._settled.append(task)

    def _rested(self, task: Task) -> None:
        """`task` is done: its downstream siblings may start, its parent may settle."""
        if task.state == "success":
            for identifier in self._downstream.get(task.id, ()):
                downstream = self.attempt.tasks[identifier]
                if downstream.state == "blocked":
                    self._unblock(downstream)
        if task.parent:
            self._progressible[task.parent.id] -= 1
            if not self._progressible[task.parent.id] and task.parent.state == "planned":
                self._settled.append(task.parent)
        elif task.state in DONE:
            self._settled.append(task)

    def _unblock(self, task: Task) -> None:
        self._missing[task.id] -= 1
        if not self._missing[task.id] and task.parent:
            self._progressible[task.parent.id] = self._progressible.get(task.parent.id, 0) + 1
            if self._open(task):
                self._startable.append(task)

    def _start(self, task: Task, now: float) -> Iterator[AnyEvent]:
        if task.cancel_requested and task.is_group and task.state in ("blocked", "ready"):
            yield GroupPlanned(now, task.id)
        elif task.cancel_requested and task.state in ("ready", "retry_waiting"):
            yield from self.canceled(task, now)
        elif task.cancel_requested and task.state == "blocked":
            yield TaskEnded(now, task.id, "canceled")
        elif task.state == "blocked":
            yield TaskReady(now, task.id)

    def _retry(self, task: Task, now: float) -> Iterator[AnyEvent]:
        if task.state == "group_retry_waiting" and task.is_group:
            yield GroupPlanned(now, task.id, self._copies(task))
        else:
            yield TaskReady(now, task.id)

    def _settle(self, task: Task, now: float) -> Iterator[AnyEvent]:
        if task.parent is None and task.state in DONE:
            yield AttemptFinished(now, task.state == "success")
        elif task.state == "group_retry_waiting" and task.cancel_requested:
            yield from [TaskEnded(now, task.id, "canceled")] if task.is_group else self.canceled(task, now)
        elif task.state == "planned" and not self._progressible.get(task.id):
            yield from self._outcome(task, now)

    def _outcome(self, task: Task, now: float) -> Iterator[AnyEvent]:
        """How a planned task whose children have come to rest goes on (core 5.2)."""
        if task.cancel_requested:
            yield TaskEnded(now, task.id, "canceled")
        elif task.delayed:
            yield TaskEnded(now, task.id, task.delayed)
        elif not task.failed_children():
            yield TaskEnded(now, task.id, "success")
        else:
            yield from self._group_failed(task, now)

    def _violate_sla(self, now: float) -> Iterator[AnyEvent]:
        """The tasks for an attempt that is late; what is wrong with them stops nothing (core 5.8)."""
        root, added = self.attempt.root, list[NewTask]()
        wrong: list[ConfigError] = []
        try:
            for tree in sla_tasks(root.full_name, read_map(root.config, "sla"), wrong.append):
                added += rows(tree, self._next_id + len(added), root.id, initial=False)
        except ConfigError as error:
            yield TaskLogged(now, root.id, "ERROR", MONITOR, f"Invalid SLA configuration: {error.log_message}")
        for problem in wrong:
            yield TaskLogged(now, root.id, "WARN", EXECUTOR, f"sla configuration error: {problem.log_message}")
        yield SlaViolated(now, tuple(added))

    def _group_failed(self, task: Task, now: float) -> Iterator[AnyEvent]:
        policy = RetryPolicy()
        try:
            if "_retry" in task.own_config:
                policy = RetryPolicy.parse(task.own_config["_retry"])
        except ConfigError:
            message = "Ignore retry parameter because of invalid retry configuration."
            message += f" attempt_id:{self.attempt.start.attempt_id} config:{json_text(task.own_config)}"
            yield TaskLogged(now, task.id, "WARN", EXECUTOR, message)
        count = int(task.state_params.get("retry_count", 0))
        if count < policy.limit:
            state_params = {**task.state_params, "retry_count": count + 1}
            yield RetryScheduled(now, task.id, now + policy.interval(count), state_params, group=True)
            return
        alert = self._failure_alert(task)
        added, log = self._error_tasks(task, self._group_error_export(task), now, len(alert))
        yield from log
        added = alert + added
        yield ErrorDelayed(now, task.id, added) if added else TaskEnded(now, task.id, "group_error")

    def _copies(self, task: Task) -> tuple[NewTask, ...]:
        """A group's tasks again, for its retry; what operators generated is left out (core 5.4).

        A task of the file with `^sub` in its name is left out too; Digdag hangs when another waits for it.
        """
        ids: dict[int, int] = {task.id: task.id}
        copies: list[NewTask] = []
        for old in task.descendants():
            generated = not old.initial or "^sub" in old.full_name[len(task.full_name) :]
            if old.parent is None or old.parent.id not in ids or generated:
                continue
            ids[old.id] = self._next_id + len(copies)
            upstreams = tuple(ids[upstream] for upstream in old.upstreams if upstream in ids)
            parent = ids[old.parent.id]
            copy = NewTask(ids[old.id], old.full_name, parent, upstreams, old.is_group, old.config, old.export, False)
            copies.append(copy)
        return tuple(copies)

    @property
    def _next_id(self) -> int:
        return len(self.attempt.tasks) + 1

    def _result_tasks(self, task: Task, subtasks: Params) -> tuple[NewTask, ...]:
        """Rows for `^sub` and `^check`.

        Raises:
            ConfigError: what the operator generated does not compile.
            TaskLimitError: there are too many.
        """
        added: tuple[NewTask, ...] = ()
        if subtasks:
            added = self._generated(task, "^sub", subtasks, initial=True)
        check = read_map(task.own_config, "_check", {})
        if check:
            upstreams = (added[0].id,) if added else ()
            added += self._generated(task, "^check", check, len(added), upstreams)
        return added

    def _generated(
        self,
        task: Task,
        name: str,
        body: Params,
        more: int = 0,
        upstreams: tuple[int, ...] = (),
        initial: bool = False,
    ) -> tuple[NewTask, ...]:
        """Rows for tasks below `task`, behind `more` other new ones.

        Raises:
            ConfigError: they do not compile.
            TaskLimitError: there are too many.
        """
        definitions = compile_generated(task.full_name, name, body)
        check_limit(self.attempt.start.task_limit, len(self.attempt.tasks) + more, len(definitions))
        return rows(definitions, self._next_id + more, task.id, upstreams, initial)

    def _error_tasks(
        self, task: Task, export: Params, now: float, more: int = 0
    ) -> tuple[tuple[NewTask, ...], list[AnyEvent]]:
        """Rows for `^error`, which sees `export`, behind `more` other new ones; or none, and why in the log."""
        try:
            handler = read_map(task.own_config, "_error", {})
            if not handler:
                return (), []
            body = Config(handler, handler.positions if isinstance(handler, Config) else {})
            body["_export"] = {**merge(read_map(handler, "_export", {}), export), "error": export["error"]}
            return self._generated(task, "^error", body, more), []
        except TaskLimitError:
            level, message = "WARN", "Failed to add error tasks because of task limit"
        except ConfigError as error:
            level, message = "ERROR", f"Configuration error at task {task.full_name}: {error.log_message}"
        return (), [TaskLogged(now, task.id, level, EXECUTOR, message)]

    def _failure_alert(self, task: Task) -> tuple[NewTask, ...]:
        """The alert of a failed attempt, which no limit holds back; none for other groups (core 5.5)."""
        if task.parent:
            return ()
        body = Config({"_type": "notify", "_command": "Workflow session attempt failed"})
        return rows(compile_generated(task.full_name, "^failure-alert", body), self._next_id, task.id, initial=False)

    def _group_error_export(self, task: Task) -> Params:
        """What a failed group's `_error` sees: its descendants' stores, and their errors merged in order (core 5.5)."""
        layers = [Layer(Source.STORE, child.store, child.full_name, child.reset_store) for child in task.descendants()]
        error: Params = {}
        for child in task.descendants():
            error = merge(error, child.error)
        return {**merged({}, layers), "error": error}
