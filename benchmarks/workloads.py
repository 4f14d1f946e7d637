"""The workflows that are measured; `shared/benchmarks` has what the real Digdag took for those of the same names."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

Body = Callable[[int], Iterable[str]]
"""The lines of a task, by its number."""

HEAD = "timezone: UTC\n"
VALUES = "_export:\n  a: 5\n  b: {c: [1, 2, 3]}\n"
TEMPLATES = (
    "${session_time}",
    '${moment(session_time).format("YYYY-MM-DD")}',
    "${a + 1}",
    "${b.c.length}",
    '${a > 3 ? "x" : "y"}',
)


def _echo(number: int) -> list[str]:
    return [f"echo>: hello {number}"]


def _python(number: int) -> list[str]:
    return ["py>: mod.f"]


def _shell(number: int) -> list[str]:
    return ["sh>: 'true'"]


def _templates(number: int) -> list[str]:
    return [f"echo>: '{' '.join(TEMPLATES)} {number}'"]


def _values(number: int) -> list[str]:
    return [f"echo>: '{TEMPLATES[0]} {number}'", *(f"p{n}: '{text}'" for n, text in enumerate(TEMPLATES[1:], 1))]


def _sequence(count: int, body: Body, indent: str = "") -> str:
    lines = []
    for number in range(count):
        lines.append(f"{indent}+t{number}:")
        lines.extend(f"{indent}  {line}" for line in body(number))
    return "\n".join(lines) + "\n"


def _parallel(count: int, body: Body) -> str:
    return "+p:\n  _parallel: true\n" + _sequence(count, body, "  ")


def _for_each(count: int, option: str = "") -> str:
    return f"+f:\n  for_each>:\n    x: {list(range(count))}\n{option}  _do:\n    echo>: item ${{x}}\n"


WORKLOADS = {
    "hello": _sequence(1, lambda number: ["echo>: hello"]),
    "hello_template": _sequence(1, lambda number: ["echo>: hello ${session_date}"]),
    "hello_sh": _sequence(1, lambda number: ["sh>: echo hello"]),
    "echo_100": _sequence(100, _echo),
    "echo_1000": _sequence(1000, _echo),
    "echo_10000": _sequence(10000, _echo),
    "echo_100_parallel": _parallel(100, _echo),
    "echo_1000_parallel": _parallel(1000, _echo),
    "echo_10000_parallel": _parallel(10000, _echo),
    "py_1": _sequence(1, _python),
    "py_100": _sequence(100, _python),
    "py_100_parallel": _parallel(100, _python),
    "sh_100_parallel": _parallel(100, _shell),
    "for_each_1000": _for_each(1000),
    "for_each_10000": _for_each(10000),
    "for_each_10000_parallel": _for_each(10000, "  _parallel: true\n"),
    "for_each_1000_parallel": _for_each(1000, "  _parallel: true\n"),
    "template_200": VALUES + _sequence(200, _templates),
    "template_200_parallel": VALUES + _parallel(200, _templates),
    "template_200_values_parallel": VALUES + _parallel(200, _values),
    "exports_200_parallel": "_export:\n  a: 5\n"
    + "".join(f"  e{number}: '${{a + {number}}}'\n" for number in range(5))
    + _parallel(200, lambda number: [f"echo>: plain {number}"]),
    "plain_200_parallel": VALUES + _parallel(200, lambda number: [f"echo>: plain {number}"]),
}


LINES = '''\
"""Prints so many lines a second for so many seconds."""

import sys
import time

rate, wanted = int(sys.argv[1]), int(sys.argv[1]) * int(sys.argv[2])
begin, printed, line = time.monotonic(), 0, "this is a line of a log, as long as most of them are"
while printed < wanted:
    due = min(wanted, int((time.monotonic() - begin) * rate))
    print("".join(f"{number} {line}\\n" for number in range(printed, due)), end="", flush=True)
    printed = due
    time.sleep(0.01)
'''
"""What `write_printing` writes beside the workflow."""


def write_printing(folder: Path, rate: int, seconds: int, tasks: int) -> Path:
    """Make a project whose first task prints `rate` lines a second, before `tasks` others; its workflow's path."""
    folder.mkdir(parents=True)
    (folder / "lines.py").write_text(LINES)
    workflow = folder / "w.dig"
    printing = f"+lines:\n  sh>: {sys.executable} lines.py {rate} {seconds}\n"
    workflow.write_text(HEAD + printing + _sequence(tasks, _echo))
    return workflow


def write(name: str, folder: Path) -> Path:
    """Make the project of a workload below `folder`; the path of its workflow file."""
    project = folder / name
    project.mkdir(parents=True)
    (project / "mod.py").write_text("def f():\n    pass\n")
    workflow = project / "w.dig"
    workflow.write_text(HEAD + WORKLOADS[name])
    return workflow
