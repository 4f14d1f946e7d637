"""The report on a task: all that an issue needs, and no secret."""

from __future__ import annotations

from pathlib import Path

from digdag_tui.debugger.inspect import inspect
from digdag_tui.debugger.report import report, subject_of
from digdag_tui.engine.attempt import Task
from digdag_tui.params.evaluate import Evaluator
from digdag_tui.params.secrets import Masker
from digdag_tui.workflow.pins import Pin

from ..support import Debugged, debugged

DIG = """
_export:
  rate: "0.8x"
  region: east
+a: {py>: tasks.first, region: west}
+b:
  _export: {rate: "0.9x", note: "${region}-${session_date}"}
  py>: tasks.use
  text: "for ${region}"
+c: {td>: query.sql}
"""
TASKS = """
import digdag
def first(region):
    digdag.env.store({"region": region, "key": "of-the-store"})
    print("first printed")
def use(rate, text):
    print("using", rate)
    return float(rate)
"""


def report_on(run: Debugged, full_name: str | None = None, *, masker: Masker | None = None, **more: object) -> str:
    attempt = run.session.attempt
    task = run.task(full_name) if full_name else subject_of(attempt, run.session.stopped, None)
    assert task
    return report(
        attempt,
        task,
        inspect(attempt, task, Evaluator()),
        project=run.project,
        mask=(masker or Masker()).mask,
        stopped=run.session.stopped,
        **more,  # type: ignore[arg-type]
    )


def printed(run: Debugged, task: Task) -> list[str]:
    return run.output(task.full_name).splitlines()


def test_a_failing_task_is_told_with_everything_that_an_issue_needs(tmp_path: Path) -> None:
    with debugged(tmp_path, DIG, files={"tasks.py": TASKS}) as run:
        run.session.set_param(run.task("+main+b").id, ("limit",), 10, "onward").result(5)
        assert run.do("resume") == "exception +main+b"
        text = report_on(run, number=3, pins={"+main+c": Pin({"rows": 3})}, log=printed(run, run.task("+main+b")))
    lines = text.splitlines()
    assert lines[0] == "# +main+b: failed"
    assert f"- workflow: main, of the project {tmp_path.name}" in lines
    assert "- session: 2026-01-31T00:00:00+00:00, attempt 3" in lines
    assert "- how it stands: stopped: +main+b failed" in lines
    assert any(line.startswith("- versions: digdag-tui ") for line in lines)
    assert "+main+b: failed, at main.dig:6" in lines
    assert '    text: "for ${region}"' in lines
    assert "    Error messages from python: could not convert string to float: '0.9x' (ValueError)" in lines
    assert "      tasks.py:7 in use" in lines
    assert "        >    7      return float(rate)" in lines
    assert '            rate = "0.9x"' in lines
    rate = lines.index('    rate = "0.9x"')
    assert lines[rate + 1 : rate + 3] == [
        "        _export +main+b, main.dig:6",
        '        over "0.8x": _export +main, main.dig:2',
    ]
    region = lines.index('    region = "west"')
    assert lines[region + 1] == "        stored by +main+a"
    note = lines.index('    "${region}-${session_date}"  ->  "west-2026-01-31"')
    assert lines[note + 1] == "        reads region, session_date"
    assert "    limit: 10    from +main+b on" in lines
    assert lines[lines.index("    +main+c:") + 1 :][:2] == ["      store:", "        rows: 3"]
    assert lines[lines.index("## Its log") + 2] == "    using 0.9x"
    assert str(tmp_path) not in text


def test_the_last_lines_of_a_long_log_are_kept_and_cannot_act_on_a_terminal(tmp_path: Path) -> None:
    with debugged(tmp_path, "+a: {echo>: x}\n") as run:
        assert run.do("resume") == "ended"
        text = report_on(run, "+main+a", log=[f"line {number}" for number in range(80)] + ["\x1b]52;c;eA==\x07\tend"])
    assert "line 30" not in text and "line 31" in text and "the last 50 lines" in text
    assert "\x1b" not in text and "?]52;c;eA==? end" in text
    assert "- how it stands: finished: success" in text


def test_a_report_on_a_group_is_about_what_failed_in_it(tmp_path: Path) -> None:
    dig = "+g:\n  +a: {echo>: x}\n  +b: {fail>: no}\n+z: {echo>: z}\n"
    with debugged(tmp_path, dig, break_on_failure=False) as run:
        assert run.do("resume") == "ended"
        attempt = run.session.attempt
        for selected in ("+main+g", "+main", "+main+z"):
            subject = subject_of(attempt, None, run.task(selected))
            assert subject and subject.full_name == "+main+g+b"
        assert "# +main+g+b: error" in report_on(run, "+main+g+b")


SECRET = 'p4ss"word\twith\\tricks\nand its second line'


def test_no_secret_is_in_a_report_wherever_it_stood(tmp_path: Path) -> None:
    dig = """
_export: {dsn: "postgres://me:hunter2secret@db/x", deep: {list: [{key: "hunter2secret"}]}}
+a:
  py>: tasks.leak
  text: "in ${dsn} and ${deep.list[0].key}"
  hunter2secret: key
"""
    tasks = """
    def leak(text):
        tricky = open("tricky").read()
        print(text, tricky)
        raise ValueError("hunter2secret in " + text + tricky)  # hunter2secret
    """
    masker = Masker()
    masker.add("hunter2secret")
    masker.add(SECRET)
    with debugged(tmp_path, dig, files={"tasks.py": tasks}) as run:
        (tmp_path / "tricky").write_text(SECRET)
        run.session.set_param(2, ("tricky",), {"a": SECRET, "long": "x" * 390 + "hunter2secret"}, "onward").result(5)
        assert run.do("resume") == "exception +main+a"
        plain = report_on(run, log=printed(run, run.task("+main+a")))
        masked = report_on(
            run,
            masker=masker,
            log=printed(run, run.task("+main+a")),
            pins={"+main+a": Pin({"k": SECRET, "d": {"hunter2secret": "hunter2secret"}})},
        )
    assert "hunter2secret" in plain and "tricks" in plain
    assert masked.count("***") > 10
    for piece in ("hunter2", "p4ss", "tricks", "second line"):
        assert piece not in masked, masked
