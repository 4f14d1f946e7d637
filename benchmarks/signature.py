"""The signature view of a `py>` task whose file is long, below the screen."""

from __future__ import annotations

import time
from pathlib import Path

from digdag_tui.debugger.environment import LocalEnvironment
from digdag_tui.debugger.gate import Opening
from digdag_tui.debugger.inspect import inspect
from digdag_tui.debugger.launch import Launch
from digdag_tui.debugger.session import Session
from digdag_tui.debugger.signature import task_signature
from digdag_tui.params.evaluate import Evaluator
from digdag_tui.params.secrets import LocalSecrets
from digdag_tui.tui.signature_rows import SignatureRows

LAST = "the_last_argument"
"""What the view shows at its end."""
_FUNCTION = '''
def function_{number}(source, limit: int = {number}, *, region="east"):
    """Takes what it is given."""
    rows = [row for row in source if row["n"] > limit]
    if not rows:
        return {{"region": region, "rows": 0}}
    return {{"region": region, "rows": len(rows), "sum": sum(row["n"] for row in rows)}}

'''
_WORKFLOW = f"""
_export:
  td: {{database: my_db}}
+first:
  py>: tasks.Job.run
  source: warehouse
  {LAST}: 1
"""


def write_long(folder: Path, lines: int) -> Path:
    """A workflow of one task, and a file of so many lines with what that calls at its end; the workflow's path."""
    job = "class Job:\n    def __init__(self, source, td=None):\n        pass\n\n"
    job += f"    def run(self, {LAST}: int):\n        pass\n"
    count = lines // (_FUNCTION.count("\n")) + 1
    text = "".join(_FUNCTION.format(number=number) for number in range(count))
    text = "\n".join(text.split("\n")[: lines - job.count("\n") - 1]).rsplit("\ndef ", 1)[0]
    text += "\n" * (lines - job.count("\n") - text.count("\n"))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tasks.py").write_text(text + job)
    (folder / "main.dig").write_text(_WORKFLOW)
    return folder / "main.dig"


def measure(folder: Path, times: int) -> tuple[list[float], list[float]]:
    """Seconds for the view of a file that was just saved, and for that of one that is known."""
    environment = LocalEnvironment(folder, Evaluator(), LocalSecrets({}, folder))
    session = Session(Launch(folder, "main"), environment, lambda event: None, journaled=False)
    session.start(Opening(entry=True))
    try:
        session.wait("stopped")
        task = session.attempt.named("+main+first")
        assert task

        def view() -> float:
            begin = time.perf_counter()
            inspection = inspect(session.attempt, task, environment.evaluator)
            found = task_signature(session.attempt, task, inspection, folder, session.loaded)
            assert len([*SignatureRows(found, set(), 100, str).rows()]) > 5
            return time.perf_counter() - begin

        saved, known = [], []
        for _ in range(times):
            text = (folder / "tasks.py").read_text()
            (folder / "tasks.py").write_text(text)
            saved.append(view())
            known.append(view())
        return saved, known
    finally:
        session.quit()
