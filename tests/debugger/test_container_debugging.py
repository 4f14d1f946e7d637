"""Our own debugger inside the Python code of a task in a container."""

from __future__ import annotations

from pathlib import Path

import pytest

from digdag_tui.debugger.python_stops import PythonStopped

from ..operators import containers
from ..support import debugged

FLOW = f"""
+work:
  py>: work.total
  python: python3
  rows: [1, 2, 3]
  docker:
    image: {containers.IMAGE}
    docker: podman
+after:
  echo>: ${{total}}
"""
WORK = """
import os

import digdag


def total(rows):
    result = sum(rows)
    digdag.env.store(total=result, contained=not os.path.exists("/usr/bin/podman"))
"""


@pytest.fixture
def podman(monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        surroundings = containers.prepare()
    except containers.Unavailable as reason:
        pytest.skip(str(reason))
    for name, value in surroundings.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("podman")
def test_a_step_into_a_task_in_a_container_stops_in_its_function(tmp_path: Path) -> None:
    with debugged(tmp_path, FLOW, files={"work.py": WORK}) as run:
        session = run.session
        session.step_into().result(10)
        session.wait_for(lambda: bool(session.python.stops) or session.state in ("stopped", "ended"), 60)
        task = run.task("+main+work").id
        assert task in session.python.stops, run.events[-5:]
        stop = session.python.stops[task]
        assert isinstance(stop, PythonStopped)
        frame = stop.frames[0]
        assert (frame.file, frame.name, stop.reason) == (str(tmp_path / "work.py"), "total", "entry")
        session.python.step_over(task).result(60)
        session.wait_for(lambda: task in session.python.stops and session.python.stops[task].reason == "step", 60)
        frame = session.python.stops[task].frames[0]
        session.python.set_expression(task, "result", "40", frame.id).result(60)
        session.python.resume(task).result(60)
        assert run.where() == "ended"
        assert run.task("+main+work").store == {"total": 40, "contained": True}
