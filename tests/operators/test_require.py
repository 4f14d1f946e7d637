"""`require>`: its calls one by one against attempts of all kinds, then whole workflows (operators 3)."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from digdag_tui.debugger.environment import LocalEnvironment
from digdag_tui.debugger.events import Notice, RequiredEvent
from digdag_tui.debugger.gate import Opening
from digdag_tui.debugger.history import last_attempt, last_journal, session_folder
from digdag_tui.debugger.launch import Launch
from digdag_tui.debugger.session import Session
from digdag_tui.engine.events import AttemptStarted, TaskFailed, TaskLogged, TaskOutput
from digdag_tui.engine.journal import read_journal
from digdag_tui.engine.operator import AttemptRequest, PollingRetry, RequiredAttempt
from digdag_tui.params.evaluate import Evaluator
from digdag_tui.params.secrets import LocalSecrets
from digdag_tui.workflow.errors import DigdagError

from ..program import digdag_tui
from ..support import Debugged, debugged, run, write
from .support import call

PROJECT = Path("/project")
NOW = "2026-01-31T09:00:00+09:00"
IDS: dict[str, Any] = {"target_session_id": 2, "target_attempt_id": 3}


def answer(is_new: bool = False, success: bool | None = None) -> RequiredAttempt:
    return RequiredAttempt(2, 3, "2026-01-31T00:00:00+00:00", is_new, success)


class Asked:
    """One call of the operator, with what it asked for."""

    def __init__(self, reply: RequiredAttempt | None, options: dict[str, Any], state: dict[str, Any]) -> None:
        self.requests: list[AttemptRequest] = []

        def require(request: AttemptRequest) -> RequiredAttempt | None:
            self.requests.append(request)
            return reply

        params = {"session_time": NOW, "project_id": 1}
        self.call = call(PROJECT, "require", "dep", options, params=params, state=state, require=require)

    def poll(self) -> PollingRetry:
        with pytest.raises(PollingRetry) as caught:
            asyncio.run(self.call.run())
        return caught.value

    def error(self) -> DigdagError:
        with pytest.raises(DigdagError) as caught:
            asyncio.run(self.call.run())
        return caught.value


def ask(reply: RequiredAttempt | None, options: dict[str, Any] | None = None, **state: Any) -> Asked:
    return Asked(reply, options or {}, state)


@pytest.mark.parametrize(
    ("reply", "options", "state", "seconds", "after"),
    [
        (answer(is_new=True), {}, {}, 1, {"require_kicked": True, **IDS, "retry": 1}),
        (answer(), {}, {}, 1, {**IDS, "retry": 1}),
        (answer(), {}, {"require_kicked": True, "retry": 1}, 2, {"require_kicked": True, **IDS, "retry": 2}),
        (answer(), {}, {"retry": 2}, 4, {**IDS, "retry": 3}),
        (answer(), {}, {"retry": 3}, 8, {**IDS, "retry": 4}),
        (answer(), {}, {"retry": 4}, 10, {**IDS, "retry": 5}),
        (answer(), {}, {"retry": 10**9}, 10, {**IDS, "retry": 10**9 + 1}),
        (answer(success=True), {}, {"retry": 3}, 1, {**IDS, "retry": 4, "task_finish_success": True}),
        (answer(success=False), {}, {}, 1, {**IDS, "retry": 1, "task_finish_success": False}),
        (answer(success=False), {"ignore_failure": "true"}, {}, 1, {**IDS, "retry": 1, "task_finish_success": True}),
        (answer(success=True), {"rerun_on": "failed"}, {}, 1, {**IDS, "retry": 1, "task_finish_success": True}),
        (answer(success=False), {"rerun_on": "none"}, {}, 1, {**IDS, "retry": 1, "task_finish_success": False}),
        (
            answer(success=False), {"rerun_on": "all"}, {"require_kicked": True}, 1,
            {"require_kicked": True, **IDS, "retry": 1, "task_finish_success": False},
        ),
        (answer(), {}, {"retry_count": 1}, 1, {"retry_count": 1, **IDS, "retry": 1}),
    ],
)  # fmt: skip
def test_each_call_polls(
    reply: RequiredAttempt, options: dict[str, Any], state: dict[str, Any], seconds: int, after: dict[str, Any]
) -> None:
    poll = ask(reply, options, **state).poll()
    assert (poll.seconds, poll.state) == (seconds, after)


@pytest.mark.parametrize(("rerun_on", "success"), [("all", True), ("all", False), ("failed", False)])
def test_an_attempt_that_ended_before_is_run_again_under_a_new_name(rerun_on: str, success: bool) -> None:
    state = ask(answer(success=success), {"rerun_on": rerun_on}).poll().state
    name = state["rerun_on_retry_attempt_name"]
    assert (str(UUID(name)), state["retry"]) == (name, 1)
    again = ask(answer(is_new=True), {"rerun_on": rerun_on, "retry_attempt_name": "mine"}, **state)
    assert again.poll().state["require_kicked"] is True
    assert again.requests[0].retry_attempt_name == name


def test_the_call_after_the_end_is_the_result() -> None:
    done = ask(None, task_finish_success=True, **IDS)
    asyncio.run(done.call.run())
    failed = ask(None, task_finish_success=False, **IDS).error()
    assert failed.error_message == "Dependent workflow failed. Session id: 2, attempt id: 3"
    assert done.requests == []


def test_what_is_asked_for() -> None:
    options = {"params": {"a": [1]}, "retry_attempt_name": "again", "project_name": "default"}
    asked = ask(answer(), options)
    asked.poll()
    assert asked.requests == [
        AttemptRequest("default", "dep", datetime(2026, 1, 31, tzinfo=UTC), "again", {"a": [1]}, "+main+task")
    ]


def test_project_and_retry_name_are_read_from_the_task_alone() -> None:
    asked = ask(answer())
    asked.call.context.config |= {"project_name": "x", "retry_attempt_name": "y", "params": {"b": 1}}
    asked.poll()
    (request,) = asked.requests
    assert (request.project, request.retry_attempt_name, request.params) == (1, None, {"b": 1})


def test_a_start_is_logged_as_digdag_does() -> None:
    asked = ask(answer(is_new=True))
    asked.poll()
    text = "Starting a new session project id=1 workflow name=dep session_time=2026-01-31T00:00:00+00:00"
    assert asked.call.log == [("INFO", "io.digdag.core.workflow.WorkflowExecutor", text)]


INSTANT = "Expected class java.time.Instant for key 'session_time' but got"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"rerun_on": "sometimes"}, "invalid rerun_on option:sometimes (config)"),
        ({"rerun_on": "ALL"}, "invalid rerun_on option:ALL (config)"),
        ({"session_time": "2026-01-01"}, f'{INSTANT} "2026-01-01" (string) (config)'),
        ({"session_time": "2026-02-30T00:00:00Z"}, f'{INSTANT} "2026-02-30T00:00:00Z" (string) (config)'),
        ({"session_time": "2026-01-01T00:00:00"}, f'{INSTANT} "2026-01-01T00:00:00" (string) (config)'),
        ({"session_time": 5}, f"{INSTANT} 5 (number) (config)"),
        ({"project_id": 1, "project_name": "x"}, "Both project_id and project_name can't be set (config)"),
        ({"project_id": "x"}, "Expected integer (int) type for key 'project_id' but got \"x\" (string) (config)"),
        ({"project_id": None}, "Parameter 'project_id' is required but null (config)"),
        ({"rerun_on": "x", "ignore_failure": "y"}, "Expected 'true' or 'false' for key 'ignore_failure'"),
        ({"project_id": "x", "params": 1}, "Parameter 'params' must be an object (config)"),
        ({"ignore_failure": "no"}, "Expected 'true' or 'false' for key 'ignore_failure' but got \"no\" (string)"),
        ({"params": [1]}, "Parameter 'params' must be an object (config)"),
        ({}, "Dependent workflow does not exist. projectId: 1, workflowName:dep"),
        ({"project_id": "2"}, "Dependent workflow does not exist. projectId: 2, workflowName:dep"),
        ({"project_name": "other"}, "Dependent workflow does not exist. projectName: other, workflowName:dep"),
    ],
)
def test_what_is_refused(options: dict[str, Any], said: str) -> None:
    assert ask(None, options).error().error_message.startswith(said)


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2026-01-31T00:00:00Z", 0), ("2026-01-31T09:00:00+09:00", 0), ("2026-01-31T00:00:59.5+00:00", 0),
        ("2026-01-31T03:00Z", 3), ("2026-01-31t01:00:00z", 1), (" 2026-01-31T02:00:00+00:00[UTC] ", 2),
    ],
)  # fmt: skip
def test_session_times(text: str, hour: int) -> None:
    asked = ask(answer(), {"session_time": text})
    asked.poll()
    assert asked.requests[0].session_time.hour == hour
    assert asked.requests[0].session_time.microsecond == 0


# Whole workflows


def required(finished: Debugged) -> list[AttemptStarted]:
    """What each required attempt was started with."""
    events = [event.event for event in finished.events if isinstance(event, RequiredEvent)]
    return [event for event in events if isinstance(event, AttemptStarted)]


def printed(finished: Debugged) -> list[str]:
    """What the required attempts printed."""
    events = [event.event for event in finished.events if isinstance(event, RequiredEvent)]
    return "".join(event.text for event in events if isinstance(event, TaskOutput)).splitlines()


def logged(finished: Debugged) -> list[str]:
    return [event.message for event in finished.events if isinstance(event, TaskLogged) and event.level != "DEBUG"]


SHOW = "+show: {echo>: '${session_time} ${session_id} ${attempt_id} ${project_id} ${task_name}'}\n"


SCENARIOS: dict[str, tuple[str, dict[str, str]]] = {
    "alone": ("+need: {require>: dep}\n+after: {echo>: after}\n", {"dep.dig": "timezone: Asia/Tokyo\n" + SHOW}),
    "params": (
        "_export: {hidden: 1}\n+need: {require>: dep, params: {code: '${hidden + 1}', deep: {a: 1}}}\n",
        {"dep.dig": "+show: {echo>: '${typeof hidden} ${code} ${deep.a}'}\n"},
    ),
    "side by side": (
        "_parallel: true\n+a: {require>: dep}\n+b: {require>: dep}\n+c: {require>: dep, _after: [+a]}\n",
        {"dep.dig": SHOW},
    ),
    "failure": ("+need: {require>: dep}\n", {"dep.dig": "+work: {fail>: broken}\n"}),
    "again": (
        "+a: {require>: dep}\n+b: {require>: dep, rerun_on: all}\n+c: {require>: dep, retry_attempt_name: mine}\n",
        {"dep.dig": "+show: {echo>: '${typeof retry_attempt_name} ${session_id}'}\n"},
    ),
    "recovery": (
        "+a: {require>: dep, ignore_failure: true}\n+b: {require>: dep, rerun_on: failed}\n",
        {"dep.dig": "+work: {sh>: '[ -e done ] || { touch done; exit 1; }'}\n"},
    ),
    "schedule": (
        "+a: {require>: dep, params: {x: 1, last_session_time: given}}\n",
        {"dep.dig": "schedule: {daily>: '07:00:00'}\n+show: {echo>: '${last_session_time} ${x}'}\n"},
    ),
    "chain": ("+a: {require>: one}\n", {"one.dig": "+a: {require>: two}\n", "two.dig": "+a: {fail>: deep}\n"}),
    "retry": ("+a: {require>: dep, _retry: 2}\n", {"dep.dig": "+work: {fail>: no}\n"}),
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Debugged]:
    """All scenarios at the same time: each waits for some seconds."""
    started = {}
    for name, (dig, files) in SCENARIOS.items():
        project = tmp_path_factory.mktemp(name)
        write(project, {"main.dig": dig, **files})
        started[name] = Debugged(project, break_on_failure=False, journaled=False)

    async def run_all() -> None:
        await asyncio.gather(*(each.session.run_attempt(Opening()) for each in started.values()))

    asyncio.run(run_all())
    return started


def test_another_workflow_runs_as_an_attempt_of_its_own(runs: dict[str, Debugged]) -> None:
    finished = runs["alone"]
    assert finished.states() == {"+main": "success", "+main+need": "success", "+main+after": "success"}
    assert printed(finished) == ["2026-01-31T09:00:00+09:00 2 2 1 +dep+show"]
    assert logged(finished) == [
        "require>: dep",
        "Starting a new session project id=1 workflow name=dep session_time=2026-01-31T09:00:00+09:00",
        "echo>: after",
    ]
    assert finished.task("+main+need").state_params == {
        "require_kicked": True, "target_session_id": 2, "target_attempt_id": 2, "retry": 2,
        "task_finish_success": True,
    }  # fmt: skip


def test_params_of_the_caller_do_not_arrive_but_given_ones_do(runs: dict[str, Debugged]) -> None:
    assert printed(runs["params"]) == ["undefined 2 1"]


def test_the_same_session_runs_once_even_side_by_side(runs: dict[str, Debugged]) -> None:
    finished = runs["side by side"]
    assert len(printed(finished)) == 1
    kicked = [name for name in "abc" if finished.task(f"+main+{name}").state_params.get("require_kicked")]
    assert len(kicked) == 1
    assert finished.finished() == [True]


def test_a_failure_is_told_and_fails_the_task(runs: dict[str, Debugged]) -> None:
    finished = runs["failure"]
    assert finished.task("+main+need").error == {"message": "Dependent workflow failed. Session id: 2, attempt id: 2"}
    (notice,) = [event for event in finished.events if isinstance(event, Notice)]
    assert notice == Notice("+main+need requires +dep+work, which failed: broken", "error")


def test_rerun_on_all_is_a_second_attempt_of_the_session(runs: dict[str, Debugged]) -> None:
    finished = runs["again"]
    assert printed(finished) == ["undefined 2", "string 2", "string 2"]
    names = [started.retry_attempt_name for started in required(finished)]
    assert names[0] is None and names[2] == "mine"
    assert len({started.session_uuid for started in required(finished)}) == 1
    ids = [started.attempt_id for started in required(finished)]
    assert ids == sorted(set(ids))


def test_rerun_on_failed_lets_a_failed_session_succeed(runs: dict[str, Debugged]) -> None:
    assert runs["recovery"].finished() == [True]
    assert len(required(runs["recovery"])) == 2


def test_a_schedule_gives_the_required_attempt_its_sessions(runs: dict[str, Debugged]) -> None:
    assert printed(runs["schedule"]) == ["2026-01-30T00:00:00+00:00 1"]


def test_required_workflows_may_require_others(runs: dict[str, Debugged]) -> None:
    finished = runs["chain"]
    assert [started.workflow for started in required(finished)] == ["one", "two"]
    assert [started.required_by for started in required(finished)] == ["+main+a", "+main+a"]
    assert finished.task("+main+a").error["message"] == "Dependent workflow failed. Session id: 2, attempt id: 2"


def test_an_own_retry_of_the_task_sees_the_same_end_again(runs: dict[str, Debugged]) -> None:
    assert len(required(runs["retry"])) == 1
    assert runs["retry"].task("+main+a").state_params["retry_count"] == 2


def test_a_workflow_in_a_folder_or_with_its_suffix_is_none(tmp_path: Path) -> None:
    files = {"dep.dig": SHOW, "sub/dep.dig": SHOW}
    for name in ("sub/dep", "dep.dig"):
        error = run(tmp_path, f"+a: {{require>: {name}}}\n", files).task("+main+a").error
        assert error == {"message": f"Dependent workflow does not exist. projectId: 1, workflowName:{name}"}


def test_a_required_workflow_has_a_limit_of_its_own(tmp_path: Path) -> None:
    dep = "".join(f"+t{i}: {{}}\n" for i in range(5))
    finished = run(tmp_path, "+a: {require>: dep}\n", {"dep.dig": dep}, task_limit=5)
    assert finished.task("+main+a").error["message"] == (
        "Too many tasks. Limit: 5, Current: 1, Adding: 6 (task limit exceeded)"
    )


def test_stopping_ends_what_is_required(tmp_path: Path) -> None:
    files = {"dep.dig": "+work: {sh>: 'echo $PPID > started; sleep 60'}\n+after: {sh>: touch after}\n"}
    with debugged(tmp_path, "+a: {require>: dep}\n", files=files) as debug:
        debug.session.resume().result(5)
        deadline = time.monotonic() + 20
        while not (tmp_path / "started").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert debug.do("stop") == "ended"
        assert debug.states() == {"+main": "canceled", "+main+a": "canceled"}
        ended = [event.event for event in debug.events if isinstance(event, RequiredEvent)]
    assert ended[-1].success is False  # type: ignore[union-attr]
    assert not (tmp_path / "after").exists()


def test_a_required_attempt_keeps_a_journal_of_its_own(tmp_path: Path) -> None:
    with debugged(tmp_path, "+a: {require>: dep}\n", files={"dep.dig": "+work: {fail>: no}\n"}) as debug:
        debug.session.breaks.on_failure = False
        assert debug.do("resume") == "ended"
    last = last_journal(session_folder(tmp_path, "dep", "2026-01-31T00:00:00+00:00"))
    assert last
    events = list(read_journal(last[1]))
    assert isinstance(events[0], AttemptStarted) and events[0].required_by == "+main+a"
    assert any(isinstance(event, TaskFailed) for event in events)


def test_after_a_rewind_a_kept_task_keeps_what_it_required(tmp_path: Path) -> None:
    dig = "+a: {require>: dep}\n+b: {echo>: b}\n+c: {require>: dep}\n"
    with debugged(tmp_path, dig, files={"dep.dig": "+work: {sh>: echo x >> runs}\n"}) as debug:
        assert debug.do("resume") == "ended"
        task = debug.task("+main+b")
        assert debug.do("rewind", task.id) == "goto +main+b"
        assert debug.do("resume") == "ended"
        assert (tmp_path / "runs").read_text() == "x\n"
        assert debug.do("rewind", debug.task("+main+a").id) == "goto +main+a"
        assert debug.do("resume") == "ended"
    assert (tmp_path / "runs").read_text() == "x\nx\n"


def test_going_on_after_a_crash_knows_what_ended(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"main.dig": "+a: {require>: dep}\n+b: {require>: dep}\n", "dep.dig": "+work: {sh>: echo x >> runs}\n"},
    )
    whole = Debugged(tmp_path, break_on_failure=False)
    asyncio.run(whole.session.run_attempt(Opening()))
    folder = whole.session.journal_folder
    assert folder
    (journal,) = folder.glob("*.jsonl")
    lines = journal.read_bytes().splitlines(keepends=True)
    ended = next(index for index, line in enumerate(lines) if b'"task_succeeded"' in line)
    journal.write_bytes(b"".join(lines[: ended + 1]))
    resumed = Debugged(tmp_path, break_on_failure=False)
    asyncio.run(resumed.session.run_attempt(Opening(past=last_attempt(folder))))
    assert resumed.finished() == [True]
    assert (tmp_path / "runs").read_text() == "x\n"


def test_too_many_attempts_at_once_are_refused(tmp_path: Path) -> None:
    dig = "_parallel: true\n+a: {require>: one}\n+b: {require>: two}\n"
    write(tmp_path, {"main.dig": dig, "one.dig": SHOW, "two.dig": SHOW})
    settings = {"executor.attempt_max_run": "2"}
    environment = LocalEnvironment(tmp_path, Evaluator(), LocalSecrets({}, tmp_path / "no-home"), settings)
    session = Session(Launch(tmp_path, "main", session="2026-01-31"), environment, break_on_failure=False)
    asyncio.run(session.run_attempt(Opening()))
    errors = {task.error.get("message") for task in session.attempt.tasks.values() if task.error}
    assert "Too many attempts running. Limit: 2, Current: 2 (attempt limit exceeded)" in errors


def test_the_log_names_the_attempt_of_each_line(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": "+need: {require>: dep}\n", "dep.dig": "+work: {fail>: broken}\n"})
    done = digdag_tui("run", "main.dig", "--no-save", "--session", "2026-01-31", cwd=tmp_path)
    said = [line.split("(", 1)[1] for line in done.stdout.splitlines() if "]+" in line]
    manager, executor = "io.digdag.core.agent.OperatorManager", "io.digdag.core.workflow.WorkflowExecutor"
    start = "Starting a new session project id=1 workflow name=dep session_time=2026-01-31T00:00:00+00:00"
    assert said == [
        f"0002@[0:default:1:1]+main+need) {manager}: require>: dep",
        f"0002@[0:default:1:1]+main+need) {executor}: {start}",
        f"0002@[0:default:2:2]+dep+work) {manager}: fail>: broken",
        f"0002@[0:default:2:2]+dep+work) {manager}: Task +dep+work failed.",
        f"0003@[0:default:2:2]+dep^failure-alert) {manager}: type: notify",
        f"0002@[0:default:1:1]+main+need) {manager}: Task +main+need failed.",
        f"0003@[0:default:1:1]+main^failure-alert) {manager}: type: notify",
    ]
    assert "+dep" not in done.stderr
    assert done.returncode == 1
