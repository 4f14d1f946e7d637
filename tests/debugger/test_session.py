"""The session by its commands alone: stops, steps, edits, failures, rewinding, reloading, resuming."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from digdag_tui.debugger.events import AttemptOpened, ProblemsFound, Reloaded
from digdag_tui.debugger.gate import Opening
from digdag_tui.debugger.history import last_attempt
from digdag_tui.debugger.session import NotPossible
from digdag_tui.engine.events import TaskOutput
from digdag_tui.engine.journal import read_journal
from digdag_tui.engine.scopes import layers

from ..support import Debugged, debugged, write

GROUPS = """
_export: {x: 1}
+a: {echo>: "a ${x}"}
+g:
  +b: {echo>: b}
  +h:
    +c: {echo>: c}
    +d: {echo>: d}
+e: {echo>: e}
"""


def test_it_stops_before_the_first_task_with_nothing_run(tmp_path: Path) -> None:
    with debugged(tmp_path, GROUPS) as run:
        assert run.where() == "entry +main+a"
        assert run.states()["+main+a"] == "ready"
        assert run.session.attempt.tasks[2].started_at is None


@pytest.mark.parametrize(
    ("commands", "stops"),
    [
        (["step_over"] * 4, ["step +main+g", "step +main+e", "ended"]),
        (["step_into"] * 7, ["+main+g", "+main+g+b", "+main+g+h", "+main+g+h+c", "+main+g+h+d", "+main+e", "ended"]),
        (["step_over", "step_into", "step_out"], ["+main+g", "+main+g+b", "+main+e"]),
        (["step_over", "step_into", "step_over", "step_into", "step_out"],
         ["+main+g", "+main+g+b", "+main+g+h", "+main+g+h+c", "+main+e"]),
        (["resume"], ["ended"]),
    ],
)  # fmt: skip
def test_steps(tmp_path: Path, commands: list[str], stops: list[str]) -> None:
    with debugged(tmp_path, GROUPS) as run:
        seen = [run.do(command) for command in commands[: len(stops)]]
        assert [place.removeprefix("step ") for place in seen] == [stop.removeprefix("step ") for stop in stops]
    assert not run.finished() or run.finished()[-1] is not None


def test_stepping_over_a_group_runs_all_of_it(tmp_path: Path) -> None:
    with debugged(tmp_path, GROUPS) as run:
        run.do("step_over")
        assert run.do("step_over") == "step +main+e"
        assert run.states()["+main+g+h+d"] == "success"


def test_run_to_a_task_and_breakpoints(tmp_path: Path) -> None:
    with debugged(tmp_path, GROUPS) as run:
        assert run.do("run_to", "+main+g+h+c") == "goto +main+g+h+c"
        assert run.session.toggle_breakpoint("+main+e")
        assert run.do("resume") == "breakpoint +main+e"
        assert not run.session.toggle_breakpoint("+main+e")
        assert run.do("resume") == "ended"
        assert run.finished() == [True]


PARALLEL = """
+p:
  _parallel: true
  +left:
    +l1: {echo>: l1}
    +l2: {echo>: l2}
  +right:
    +r1: {echo>: r1}
    +r2: {echo>: r2}
+end: {echo>: end}
"""


def test_a_step_moves_one_branch_and_holds_the_others(tmp_path: Path) -> None:
    with debugged(tmp_path, PARALLEL) as run:
        assert run.where() == "entry +main+p"
        assert run.do("step_into") == "step +main+p+left"
        assert run.do("step_into") == "step +main+p+left+l1"
        assert run.do("step_over") == "step +main+p+left+l2"
        assert run.states()["+main+p+right"] == "ready"
        assert run.do("step_over") == "step +main+p+right"
        assert run.do("step_over") == "step +main+end"
        assert run.do("resume") == "ended"
        assert run.finished() == [True]


def test_continue_frees_all_branches(tmp_path: Path) -> None:
    with debugged(tmp_path, PARALLEL) as run:
        run.do("step_into")
        run.session.toggle_breakpoint("+main+p+right+r2")
        assert run.do("resume") == "breakpoint +main+p+right+r2"


FAILING = """
_export: {rate: "0.8x"}
_error: {echo>: "handled ${error.message}"}
+a: {sh>: 'echo ran >> ran.txt'}
+b:
  _retry: 3
  py>: tasks.use
+c: {echo>: "c ${rate}"}
"""
TASKS = "def use(rate):\n    print(float(rate))\n"


def test_a_failure_stops_before_retries_and_error_tasks_and_an_edit_and_a_retry_mend_it(tmp_path: Path) -> None:
    with debugged(tmp_path, FAILING, files={"tasks.py": TASKS}) as run:
        assert run.do("resume") == "exception +main+b"
        stopped = run.session.stopped
        assert stopped and stopped.error
        assert "could not convert string to float: '0.8x' (ValueError)" in stopped.error["message"]
        assert stopped.frames[-1]["line"] == 2
        assert "+main^error" not in run.states()
        run.session.set_param(stopped.task, ("rate",), "0.8", "onward").result(5)
        assert run.do("retry") == "step +main+c"
        assert run.output("+main+b").endswith("0.8\n")
        assert run.do("resume") == "ended"
        assert run.output("+main+c") == "c 0.8\n"
        assert run.finished() == [True]
    assert (tmp_path / "ran.txt").read_text() == "ran\n"


def test_leaving_a_failure_lets_it_fail_and_runs_the_error_task(tmp_path: Path) -> None:
    dig = '_error: {echo>: "handled ${error.message}"}\n+a: {fail>: no}\n+b: {echo>: b}\n'
    with debugged(tmp_path, dig) as run:
        assert run.do("resume") == "exception +main+a"
        assert run.do("step_over") == "step +main^failure-alert"
        assert run.do("resume") == "ended"
        assert run.output("+main^error") == "handled no\n"
        assert run.states()["+main+b"] == "blocked"
        assert run.finished() == [False]


def test_break_on_failure_can_be_off(tmp_path: Path) -> None:
    with debugged(tmp_path, "+a: {fail>: no}\n", break_on_failure=False) as run:
        assert run.do("resume") == "ended"


def test_two_failures_side_by_side_stop_one_after_the_other(tmp_path: Path) -> None:
    dig = "+p:\n  _parallel: true\n  +a: {fail>: a}\n  +b: {fail>: b}\n"
    with debugged(tmp_path, dig) as run:
        stops = {run.do("resume"), run.do("resume")}
        assert stops == {"exception +main+p+a", "exception +main+p+b"}
        assert run.do("resume") == "ended"


def test_skip_takes_a_task_for_done_and_stores_values(tmp_path: Path) -> None:
    dig = "+a: {fail>: no}\n+b: {echo>: '${v.x}'}\n+g: {+c: {echo>: c}}\n"
    with debugged(tmp_path, dig) as run:
        assert run.do("skip", {"v": {"x": 7}}) == "step +main+b"
        assert run.states()["+main+a"] == "success"
        assert run.do("step_over") == "step +main+g"
        assert run.output("+main+b") == "7\n"
        with pytest.raises(NotPossible, match="is a group"):
            run.session.skip().result(5)


def test_skip_a_failed_task(tmp_path: Path) -> None:
    with debugged(tmp_path, "+a: {fail>: no}\n+b: {echo>: '${x}'}\n") as run:
        assert run.do("resume") == "exception +main+a"
        assert run.do("skip", {"x": 1}) == "step +main+b"


@pytest.mark.parametrize(("scope", "printed"), [("task", ["9", "1"]), ("onward", ["9", "9"]), ("session", ["1", "1"])])
def test_scopes_of_an_edit(tmp_path: Path, scope: str, printed: list[str]) -> None:
    dig = "_export: {x: 1}\n+a: {echo>: '${x}'}\n+b: {echo>: '${x}'}\n"
    with debugged(tmp_path, dig) as run:
        run.session.set_param(2, ("x",), 9, scope).result(5)  # type: ignore[arg-type]
        assert run.do("resume") == "ended"
        assert [run.output("+main+a").strip(), run.output("+main+b").strip()] == printed


def test_an_edit_for_one_task_beats_its_own_keys_and_built_ins(tmp_path: Path) -> None:
    with debugged(tmp_path, "+a: {y: 1, echo>: '${session_date} ${y} ${z}'}\n") as run:
        run.session.set_param(2, ("session_date",), "mine", "task").result(5)
        run.session.set_param(2, ("y",), 2, "task").result(5)
        run.session.set_param(2, ("z",), 3, "task").result(5)
        run.do("resume")
        assert run.output("+main+a") == "mine 2 3\n"


def test_edits_that_can_have_no_effect_are_refused(tmp_path: Path) -> None:
    with debugged(tmp_path, "+a: {echo>: a}\n+b: {echo>: b}\n") as run:
        with pytest.raises(NotPossible, match="session_date is set by Digdag"):
            run.session.set_param(2, ("session_date",), "x", "onward").result(5)
        run.do("step_over")
        with pytest.raises(NotPossible, match="has run already: rewind"):
            run.session.set_param(2, ("x",), "x", "onward").result(5)
        run.do("resume")
        with pytest.raises(NotPossible, match="has ended: rewind"):
            run.session.set_param(3, ("x",), "x", "task").result(5)


def test_commands_say_why_they_are_not_possible(tmp_path: Path) -> None:
    with debugged(tmp_path, "+a: {echo>: a}\n") as run:
        with pytest.raises(NotPossible, match="only a task that failed can be retried"):
            run.session.retry().result(5)
        with pytest.raises(NotPossible, match="is no py> task"):
            run.session.attach().result(5)
        with pytest.raises(NotPossible, match="stopped already"):
            run.session.pause().result(5)
        run.do("resume")
        with pytest.raises(NotPossible, match="the attempt has ended: restart"):
            run.session.step_over().result(5)


def test_pause_lets_what_runs_end_and_starts_nothing_new(tmp_path: Path) -> None:
    with debugged(tmp_path, "+a: {sh>: sleep 0.5; echo a}\n+b: {echo>: b}\n") as run:
        run.session.resume().result(5)
        assert run.do("pause") == "pause +main+b"
        assert run.output("+main+a") == "a\n"


def test_stop_ends_running_processes(tmp_path: Path) -> None:
    with debugged(tmp_path, "+a: {sh>: 'echo $$$$ > pid; sleep 60'}\n+b: {echo>: b}\n") as run:
        run.session.resume().result(5)
        deadline = time.monotonic() + 10
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().strip():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        pid = int((tmp_path / "pid").read_text())
        assert run.do("stop") == "ended"
        assert run.states() == {"+main": "canceled", "+main+a": "canceled", "+main+b": "blocked"}
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


COUNTED = """
_export: {n: 1}
+a: {py>: tasks.count, name: a}
+l:
  for_each>: {i: [1, 2]}
  _do: {py>: tasks.count, name: "l${i}"}
+b: {py>: tasks.count, name: b}
+c: {echo>: "${n} ${a} ${l1} ${l2} ${b}"}
"""
COUNTING = """
import digdag, pathlib
def count(name, n):
    file = pathlib.Path(name + ".count")
    times = int(file.read_text()) + 1 if file.exists() else 1
    file.write_text(str(times))
    digdag.env.store({name: times * int(n)})
"""


def counts(project: Path) -> dict[str, str]:
    return {path.stem: path.read_text() for path in sorted(project.glob("*.count"))}


def test_rewind_keeps_what_ended_before_and_runs_the_rest_again_with_the_edits(tmp_path: Path) -> None:
    with debugged(tmp_path, COUNTED, files={"tasks.py": COUNTING}) as run:
        assert run.do("resume") == "ended"
        assert run.output("+main+c") == "1 1 1 1 1\n"
        assert run.do("rewind", run.task("+main+b").id) == "goto +main+b"
        assert run.states()["+main+l^sub+for-0=i=1=2"] == "success"
        run.session.set_param(run.task("+main+b").id, ("n",), 10, "onward").result(5)
        assert run.do("resume") == "ended"
        assert run.output("+main+c") == "10 1 1 1 20\n"
        assert counts(tmp_path) == {"a": "1", "b": "2", "l1": "1", "l2": "1"}
        assert run.do("rewind", run.task("+main+c").id) == "goto +main+c"
        assert run.do("resume") == "ended"
        assert run.output("+main+c") == "10 1 1 1 20\n", "edits made before the task are kept"


def test_rewind_to_a_generated_task_and_to_a_group(tmp_path: Path) -> None:
    with debugged(tmp_path, COUNTED, files={"tasks.py": COUNTING}) as run:
        run.do("resume")
        assert run.do("rewind", run.task("+main+l^sub+for-0=i=1=2").id) == "goto +main+l^sub+for-0=i=1=2"
        assert run.do("resume") == "ended"
        assert run.do("rewind", run.task("+main+l^sub").id) == "goto +main+l^sub"
        assert run.do("resume") == "ended"
        assert counts(tmp_path) == {"a": "1", "b": "3", "l1": "2", "l2": "3"}


def test_places_in_files_are_known_after_a_rewind_too(tmp_path: Path) -> None:
    files = {"child.dig": "_export: {x: 1}\n+in: {echo>: a}\n+more: {echo>: b}\n"}
    with debugged(tmp_path, "+c: {call>: child}\n", files=files) as run:
        run.do("run_to", "+main+c^sub+more")
        run.do("rewind", run.task("+main+c^sub+more").id)
        (layer,) = [layer for layer in layers(run.session.attempt, run.task("+main+c^sub+more")) if "x" in layer.values]
        assert str(layer.origin("x").position) == "child.dig:1:11"


def test_rewind_from_the_middle_of_a_run_and_to_a_task_that_has_not_run(tmp_path: Path) -> None:
    with debugged(tmp_path, COUNTED, files={"tasks.py": COUNTING}) as run:
        assert run.do("run_to", "+main+b") == "goto +main+b"
        with pytest.raises(NotPossible, match="has not started yet"):
            run.session.rewind(run.task("+main+c").id).result(5)
        assert run.do("rewind", run.task("+main+a").id) == "goto +main+a"
        assert run.do("resume") == "ended"
        assert counts(tmp_path)["a"] == "2"


def test_restart_begins_anew_and_keeps_breakpoints(tmp_path: Path) -> None:
    with debugged(tmp_path, COUNTED, files={"tasks.py": COUNTING}) as run:
        run.session.toggle_breakpoint("+main+b")
        run.session.set_param(2, ("n",), 5, "onward").result(5)
        assert run.do("resume") == "breakpoint +main+b"
        assert run.do("restart") == "entry +main+a"
        assert run.do("resume") == "breakpoint +main+b"
        assert run.do("resume") == "ended"
        assert run.output("+main+c").startswith("1 2")


def reload(run: Debugged, files: dict[str, str]) -> str:
    """Change files and tell the session; wait until the next attempt has come to rest."""
    opened = sum(isinstance(event, AttemptOpened) for event in run.events)
    write(run.project, files)
    run.session.reload([run.project / name for name in files]).result(5)
    deadline = time.monotonic() + 10
    while sum(isinstance(event, AttemptOpened) for event in run.events) == opened:
        assert time.monotonic() < deadline, "no new attempt"
        time.sleep(0.01)
    return run.where()


def test_a_changed_task_is_run_again_with_all_after_it(tmp_path: Path) -> None:
    with debugged(tmp_path, COUNTED, files={"tasks.py": COUNTING}) as run:
        run.do("resume")
        assert reload(run, {"main.dig": COUNTED.replace("name: b}", "name: b2}").replace("${b}", "${b2}")}) == "ended"
        assert [event.touched for event in run.events if isinstance(event, Reloaded)] == [("+main+b", "+main+c")]
        assert counts(tmp_path) == {"a": "1", "b": "1", "b2": "1", "l1": "1", "l2": "1"}
        assert run.output("+main+c") == "1 1 1 1 1\n"


def test_a_changed_python_file_runs_its_tasks_again_up_to_the_stop(tmp_path: Path) -> None:
    with debugged(tmp_path, COUNTED, files={"tasks.py": COUNTING}) as run:
        assert run.do("run_to", "+main+c") == "goto +main+c"
        assert reload(run, {"tasks.py": COUNTING + "\n"}) == "goto +main+c"
        assert counts(tmp_path) == {"a": "2", "b": "2", "l1": "2", "l2": "2"}


def test_a_mended_python_file_runs_the_failed_task_again(tmp_path: Path) -> None:
    with debugged(tmp_path, FAILING, files={"tasks.py": TASKS}) as run:
        assert run.do("resume") == "exception +main+b"
        mended = "def use(rate):\n    print(float(rate.rstrip('x')))\n"
        assert reload(run, {"tasks.py": mended}) == "step +main+c"
        assert run.output("+main+b").endswith("0.8\n")
        assert (tmp_path / "ran.txt").read_text() == "ran\n"


def test_a_broken_file_keeps_the_old_workflow_alive(tmp_path: Path) -> None:
    with debugged(tmp_path, COUNTED, files={"tasks.py": COUNTING}) as run:
        run.do("run_to", "+main+b")
        write(tmp_path, {"main.dig": "+a: {echo>: x\n"})
        run.session.reload([tmp_path / "main.dig"]).result(5)
        found = [event for event in run.events if isinstance(event, ProblemsFound)]
        assert found[-1].problems and found[-1].problems[0].position
        assert run.where() == "goto +main+b"
        write(tmp_path, {"main.dig": COUNTED})
        run.session.reload([tmp_path / "main.dig"]).result(5)
        assert [event for event in run.events if isinstance(event, ProblemsFound)][-1].problems == ()
        assert run.do("resume") == "ended"
        assert counts(tmp_path)["a"] == "1"


def test_a_workflow_that_never_loaded_opens_when_it_is_mended(tmp_path: Path) -> None:
    with debugged(tmp_path, "+a: 1\n") as run:
        assert run.where() == "broken"
        assert reload(run, {"main.dig": "+a: {echo>: a}\n"}) == "entry +main+a"


def test_an_export_touches_what_sees_it_only(tmp_path: Path) -> None:
    dig = "+g:\n  _export: {x: 1}\n  +a: {echo>: '${x}'}\n+b: {echo>: b}\n"
    with debugged(tmp_path, dig) as run:
        run.do("resume")
        reload(run, {"main.dig": dig.replace("x: 1", "x: 2")})
        assert [event.touched for event in run.events if isinstance(event, Reloaded)] == [("+main+g+a",)]
        assert run.output("+main+g+a") == "2\n"


KILLED = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from tests.support import Debugged
run = Debugged(Path({project!r}), break_on_failure=False)
run.session.start()
run.session.wait("ended", timeout=60)
"""


def test_a_killed_process_loses_nothing_that_had_ended(tmp_path: Path) -> None:
    dig = """
    +a: {py>: tasks.count, name: a, n: 1}
    +slow: {sh>: 'echo x >> slow.txt; [ $(wc -l < slow.txt) -gt 1 ] || sleep 60'}
    +b: {echo>: "b ${a}"}
    """
    write(tmp_path, {"main.dig": dig, "tasks.py": COUNTING})
    root = str(Path(__file__).parents[2])
    process = subprocess.Popen([sys.executable, "-c", KILLED.format(tests=root, project=str(tmp_path))])
    deadline = time.monotonic() + 30
    while not (tmp_path / "slow.txt").exists():
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)
    folder = next((tmp_path / ".digdag" / "tui" / "main").iterdir())
    assert last_attempt(folder) is None, "a running attempt is not offered"
    process.send_signal(signal.SIGKILL)
    process.wait()
    past = last_attempt(folder)
    assert past and not past.finished and past.last_task == "+main+a"
    uuid = next(iter(read_journal(past.path))).session_uuid  # type: ignore[union-attr]
    with debugged(tmp_path, dig, Opening(past=past), files={}) as run:
        assert run.where() == "ended"
        assert run.output("+main+b") == "b 1\n"
        assert run.session.attempt.start.session_uuid == uuid
    assert counts(tmp_path) == {"a": "1"}
    assert (tmp_path / "slow.txt").read_text() == "x\nx\n"
    finished = last_attempt(folder)
    assert finished and finished.finished and finished.number == past.number


SLOW = """
+p:
  _parallel: true
  +slow: {sh>: 'echo begun; while [ ! -e go ]; do sleep 0.02; done'}
  +other: {echo>: other}
+end: {echo>: end}
"""


def until(run: Debugged, text: str) -> None:
    """Wait until a task has printed a text."""
    while not any(isinstance(event, TaskOutput) and text in event.text for event in list(run.events)):
        run.session.wait("running", "stopped", "ended")


def test_quitting_while_tasks_run_leaves_an_attempt_to_go_on_with(tmp_path: Path) -> None:
    with debugged(tmp_path, SLOW) as run:
        run.session.resume().result(5)
        until(run, "begun")
    folder = run.session.journal_folder
    past = last_attempt(folder) if folder else None
    assert past and not past.finished and not past.canceled
    (tmp_path / "go").touch()
    with debugged(tmp_path, SLOW, Opening(past=past)) as run:
        assert run.where() == "ended"
        assert run.finished() == [True]
        assert run.session.attempt.start.attempt_id == past.number


def test_what_the_person_begins_while_a_reload_waits_is_not_replaced(tmp_path: Path) -> None:
    with debugged(tmp_path, SLOW) as run:
        run.session.resume().result(5)
        until(run, "begun")
        write(tmp_path, {"main.dig": SLOW.replace("echo>: end", "echo>: END")})
        run.session.reload([tmp_path / "main.dig"]).result(5)
        assert run.do("restart") == "entry +main+p"
        assert sum(isinstance(event, AttemptOpened) for event in run.events) == 2
        waiting = run.session._reopening
        while waiting and not waiting.done():
            run.session.wait("stopped")
        assert run.where() == "entry +main+p"
        assert sum(isinstance(event, AttemptOpened) for event in run.events) == 2


def test_quitting_while_a_reload_waits_ends_the_session(tmp_path: Path) -> None:
    with debugged(tmp_path, SLOW) as run:
        run.session.resume().result(5)
        until(run, "begun")
        write(tmp_path, {"main.dig": SLOW.replace("echo>: end", "echo>: END")})
        run.session.reload([tmp_path / "main.dig"]).result(5)
        run.session.quit()
        assert run.session._thread and not run.session._thread.is_alive()
        with pytest.raises(NotPossible, match="the session is not running"):
            run.session.restart().result(5)


def test_quitting_at_once(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": GROUPS})
    run = Debugged(tmp_path)
    run.session.start(Opening())
    run.session.quit()
    assert run.session._thread and not run.session._thread.is_alive()


def test_no_edit_is_lost_in_an_attempt_that_is_being_left(tmp_path: Path) -> None:
    with debugged(tmp_path, GROUPS) as run:
        task = run.task("+main+a").id
        restarted, edited = run.session.restart(), run.session.set_param(task, ("x",), 2, "onward")
        restarted.result(5)
        with pytest.raises(NotPossible, match="can't edit: another attempt begins"):
            edited.result(5)


def test_an_attempt_that_runs_elsewhere_is_not_gone_on_with(tmp_path: Path) -> None:
    with debugged(tmp_path, GROUPS) as first:
        path = first.session.journal_path
        assert path
        before = path.read_bytes()
        with debugged(tmp_path, GROUPS) as second:
            second.session.look_at(path).result(5)
            second.session.wait("recorded")
            second.session.resume().result(5)
            assert second.session.wait("broken") == "broken"
            problems = [event.problems for event in second.events if isinstance(event, ProblemsFound)]
            assert problems[-1][0].message == "attempt 1 runs in another debugger"
            assert path.read_bytes() == before
            assert second.do("restart") == "entry +main+a"
        assert first.do("resume") == "ended"
        assert first.finished() == [True]
