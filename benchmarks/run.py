"""Measures digdag-tui side by side with a bare interpreter and with what the real Digdag took.

    python -m benchmarks.run [--runs N] [--only SECTION] [--digdag FILE]

Prints Markdown tables. Every figure is the median of several runs. Needs Linux or macOS; see README.md.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import signature
from .terminal import Terminal
from .workloads import write, write_printing

HERE = Path(__file__).resolve().parent
DIGDAG = HERE.parent.parent / "shared" / "benchmarks" / "digdag.json"
PROGRAM = [sys.executable, "-m", "digdag_tui"]
SCRIPT = Path(sys.executable).parent / "digdag-tui"
LIMIT = ["-X", "executor.task_max_run=100000"]
PEAK_UNIT = 2**20 if sys.platform == "darwin" else 2**10
"""How many of `ru_maxrss`'s units are a MiB."""
LAUNCHER = """
import os, sys, time
begin = time.perf_counter()
null = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1)]
process = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=null)
_, status, used = os.wait4(process, 0)
print(time.perf_counter() - begin, used.ru_utime + used.ru_stime, used.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""A process starts with the memory of the one that starts it as its peak: this one is small."""
COMPARED = [
    "hello", "hello_template", "hello_sh", "echo_100", "echo_1000", "echo_100_parallel", "echo_1000_parallel",
    "py_100", "py_100_parallel", "sh_100_parallel", "for_each_1000", "for_each_1000_parallel", "template_200",
    "template_200_parallel", "template_200_values_parallel", "exports_200_parallel", "plain_200_parallel",
]  # fmt: skip
KINDS = ("", "_parallel")
SCALED = [f"echo_{count}{kind}" for kind in KINDS for count in (100, 1000, 10000)]
SCALED += [f"for_each_{count}{kind}" for kind in KINDS for count in (1000, 10000)]
KEYS = 40
DOWN = "\x1b[B"


@dataclass(frozen=True)
class Usage:
    """What a process took: seconds of wall and of CPU, its children's too, and MiB of peak resident memory."""

    wall: float
    cpu: float
    memory: float


def main() -> None:
    """Print the sections that are asked for."""
    sections = {
        "start": start,
        "scaling": scaling,
        "python": python,
        "workloads": workloads,
        "screen": screen,
        "busy": busy,
        "steps": steps,
        "signature": signature_view,
    }
    parser = argparse.ArgumentParser(description="Measure digdag-tui.")
    parser.add_argument("--runs", type=int, default=5, help="runs of each measurement (5)")
    parser.add_argument("--only", choices=sections, help="one section")
    parser.add_argument("--digdag", type=Path, default=DIGDAG, help="the real Digdag's figures")
    options = parser.parse_args()
    compileall.compile_dir(HERE.parent / "digdag_tui", quiet=1)
    for name, section in sections.items():
        if options.only in (None, name):
            with tempfile.TemporaryDirectory() as folder:
                section(Path(folder), options)


def start(folder: Path, options: argparse.Namespace) -> None:
    """One `echo>` against an interpreter that does nothing and has no packages, run in turns."""
    workflow = write("hello", folder)
    venv.create(folder / "bare", symlinks=True)
    nothing = [str(folder / "bare" / "bin" / "python3"), "-c", "pass"]
    command = run_command(workflow, program=[str(SCRIPT)])
    pairs = [(usage(nothing, folder), usage(command, workflow.parent)) for _ in range(4 * options.runs)]
    bare, ours = (median(pair[side].wall for pair in pairs) for side in (0, 1))
    table(
        "Start",
        ["", "bare `python3 -c pass`", "`digdag-tui run` of one `echo>`", "ratio", "goal"],
        [["wall", f"{bare * 1000:.0f} ms", f"{ours * 1000:.0f} ms", f"{ours / bare:.1f}x", "12x"]],
    )


def python(folder: Path, options: argparse.Namespace) -> None:
    """What a `py>` task takes, from a warm parent and plainly, against the start of its interpreter; run in turns."""
    many, one = write("py_100", folder), write("py_1", folder)
    venv.create(folder / "bare", symlinks=True)
    programs = str(folder / "bare" / "bin")
    surroundings = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    taken: dict[str, list[tuple[float, float]]] = {}
    for _ in range(2 * options.runs):
        for name, option in (("warm", []), ("plain", ["--no-warm-python"])):
            many_of, none = (usage(run_command(file, *option), file.parent, surroundings) for file in (many, one))
            taken.setdefault(name, []).append(each(many_of, none, 99))
        starts = f"for n in $(seq 100); do {programs}/python3 -c pass; done"
        many_of, none = (usage(["/bin/sh", "-c", text], folder, surroundings) for text in (starts, ":"))
        taken.setdefault("bare `python3 -c pass`", []).append(each(many_of, none, 100))
    rows = []
    walls = {name: median(wall for wall, _ in found) for name, found in taken.items()}
    for name, found in taken.items():
        cpu, ratio = median(cpu for _, cpu in found), walls[name] / walls["bare `python3 -c pass`"]
        goal = "0.5x" if name == "warm" else ""
        rows.append([name, f"{walls[name] * 1000:.1f} ms", f"{cpu * 1000:.1f} ms", f"{ratio:.2f}x", goal])
    table("Python tasks, one after another", ["", "each: wall", "CPU", "wall of a bare start", "goal"], rows)


def scaling(folder: Path, options: argparse.Namespace) -> None:
    """What a task costs among more and more tasks, and the last ones against the first."""
    rows = []
    for name in SCALED:
        workflow = write(name, folder)
        count = int(name.removesuffix("_parallel").rpartition("_")[2])
        used = [usage(run_command(workflow), workflow.parent) for _ in range(options.runs)]
        ends = [task_ends(workflow) for _ in range(options.runs)]
        each = median((times[-1] - times[0]) / count for times in ends)
        slowdown = median(last_tenth / first_tenth for first_tenth, last_tenth in map(tenths, ends))
        rows.append([
            f"`{name}`", f"{median(one.wall for one in used):.2f} s", f"{each * 1000:.2f} ms", f"{slowdown:.2f}",
            f"{median(one.memory for one in used):.0f} MiB",
        ])  # fmt: skip
    head = ["workflow", "wall", "each task (goal 1 ms)", "last tenth / first (goal 1.3)", "memory (goal 150 MiB)"]
    table("Tasks", head, rows)


def workloads(folder: Path, options: argparse.Namespace) -> None:
    """The workloads that the real Digdag was measured with."""
    theirs: dict[str, Any] = json.loads(options.digdag.read_text()) if options.digdag.exists() else {}
    rows = []
    for name in COMPARED:
        workflow = write(name, folder)
        used = [usage(run_command(workflow), workflow.parent) for _ in range(options.runs)]
        wall, cpu, memory = (median(getattr(one, key) for one in used) for key in ("wall", "cpu", "memory"))
        row = [f"`{name}`", f"{wall:.2f} s", f"{cpu:.2f} s", f"{memory:.0f} MiB"]
        if digdag := theirs.get(name):
            row += [f"{digdag['wall']:.2f} s", f"{digdag['cpu']:.2f} s", f"{digdag['memory']} MiB"]
            row += [f"{digdag['wall'] / wall:.0f}x", f"{digdag['cpu'] / cpu:.0f}x"]
        rows.append(row)
    head = ["workflow", "wall", "CPU", "memory"]
    if theirs:
        head += ["Digdag's wall", "CPU", "memory", "wall ratio", "CPU ratio"]
    table("Workloads", head, rows)


def screen(folder: Path, options: argparse.Namespace) -> None:
    """From the app's start to its first picture, and from a key to the next one."""
    rows = []
    for name in ("hello", "echo_10000"):
        workflow = write(name, folder)
        first, keys, memory = [], [], []
        for _ in range(options.runs):
            with Terminal([*PROGRAM, str(workflow), *LIMIT], workflow.parent) as terminal:
                first.append(terminal.wait_for("+t0"))
                terminal.wait_for_quiet()
                for _ in range(KEYS if name != "hello" else 0):
                    keys.append(terminal.press(DOWN))
                    terminal.wait_for_quiet(0.05)
                memory.append(terminal.memory())
        slowest = statistics.quantiles(keys, n=20)[-1] if keys else 0
        key = f"{median(keys) * 1000:.1f} ms, {slowest * 1000:.1f} ms" if keys else ""
        rows.append([f"`{name}`", f"{median(first):.2f} s", key, f"{median(memory):.0f} MiB"])
    head = ["workflow", "start to first paint (goal 0.7 s, 1.5 s)", "key to paint: median, 95 %", "memory"]
    table("Screen", head, rows)


def busy(folder: Path, options: argparse.Namespace) -> None:
    """From a key to its effect on the screen, while a task prints."""
    rows = []
    for rate, tasks in ((10_000, 10_000), (100_000, 100)):
        workflow = write_printing(folder / str(rate), rate, seconds=10, tasks=tasks)
        keys, ends, memory = [], [], []
        for _ in range(options.runs):
            with Terminal([*PROGRAM, str(workflow), *LIMIT], workflow.parent) as terminal:
                terminal.wait_for("before +w+lines")
                terminal.wait_for_quiet()
                terminal.press_for("4", "+w+lines")
                terminal.press("1c")
                begin = time.perf_counter()
                terminal.look(0.5)
                for number in range(KEYS):
                    keys.append(terminal.press_for(DOWN, f"+w+t{number}"))
                    terminal.look(0.15)
                terminal.press_for("", "finished: success", timeout=90)
                ends.append(time.perf_counter() - begin)
                memory.append(terminal.memory())
        slowest = statistics.quantiles(keys, n=20)[-1]
        rows.append([
            f"{rate:,}", f"{tasks:,}", f"{median(keys) * 1000:.0f} ms", f"{slowest * 1000:.0f} ms",
            f"{max(keys) * 1000:.0f} ms", f"{median(ends):.1f} s", f"{median(memory):.0f} MiB",
        ])  # fmt: skip
    head = ["lines a second", "tasks", "key to paint: median", "95 % (goal 50 ms)", "longest"]
    table("Keys while a task prints for ten seconds", [*head, "run ended after", "memory (goal 250 MB)"], rows)


def steps(folder: Path, options: argparse.Namespace) -> None:
    """From the key that steps over an `echo>` to the next stop on the screen."""
    rows = []
    for name in ("echo_100", "echo_10000"):
        taken = []
        for run in range(options.runs):
            workflow = write(name, folder / f"steps-{run}")  # the attempt before was killed: a new one would resume
            with Terminal([*PROGRAM, str(workflow), *LIMIT], workflow.parent) as terminal:
                terminal.wait_for("before +w+t0")
                terminal.wait_for_quiet()
                for number in range(1, KEYS):
                    taken.append(terminal.press_for("n", f"before +w+t{number}"))
                    terminal.wait_for_quiet(0.05)
        slowest = statistics.quantiles(taken, n=20)[-1]
        rows.append([f"`{name}`", f"{median(taken) * 1000:.0f} ms", f"{slowest * 1000:.0f} ms"])
    table("Steps", ["workflow", "key to the next stop: median (goal 50 ms)", "95 %"], rows)


def signature_view(folder: Path, options: argparse.Namespace) -> None:
    """What a `py>` task will get, of a file with 2,000 lines: worked out, and from the key to the screen."""
    workflow = signature.write_long(folder / "long", lines=2_000)
    saved, known = signature.measure(workflow.parent, 4 * options.runs)
    keys = []
    with Terminal([*PROGRAM, str(workflow)], workflow.parent) as terminal:
        terminal.wait_for("before +main+first")
        for _ in range(4 * options.runs):
            terminal.wait_for_quiet()
            keys.append(terminal.press_for("i", signature.LAST + ": int"))
            terminal.wait_for_quiet()
            terminal.press("3")
    row = [f"{median(times) * 1000:.1f} ms" for times in (saved, known, keys)]
    table("Signature", ["just saved (goal 50 ms)", "known", "key to paint"], [row])


def run_command(workflow: Path, *options: str, program: list[str] = PROGRAM) -> list[str]:
    return [*program, "run", str(workflow), "--rerun", "--session", "2026-01-31", *LIMIT, *options]


def each(all_of_them: Usage, none: Usage, count: int) -> tuple[float, float]:
    """Seconds of wall and of CPU that each of `count` things takes."""
    return (all_of_them.wall - none.wall) / count, (all_of_them.cpu - none.cpu) / count


def usage(command: list[str], directory: Path, environment: Mapping[str, str] | None = None) -> Usage:
    """Run a command to its end.

    Raises:
        SystemExit: it failed.
    """
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", LAUNCHER, *command],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    wall, cpu, memory = map(float, done.stdout.splitlines()[-1].split())
    return Usage(wall, cpu, memory / PEAK_UNIT)


def task_ends(workflow: Path) -> list[float]:
    """When the attempt began and when each of its tasks ended, in seconds."""
    done = subprocess.run(
        run_command(workflow, "--json"), cwd=workflow.parent, stdin=subprocess.DEVNULL, capture_output=True, check=True
    )
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith(b"{")]
    return [event["at"] for event in events if event["event"] in ("attempt_started", "task_succeeded")]


def tenths(times: list[float]) -> tuple[float, float]:
    """How long the first tenth of all steps took, and the last."""
    size = len(times) // 10
    return times[size] - times[0], times[-1] - times[-1 - size]


def median(values: Iterable[float]) -> float:
    return statistics.median(values)


def table(title: str, head: list[str], rows: list[list[str]]) -> None:
    """Print a Markdown table."""
    print(f"\n### {title}\n")
    for row in [head, ["---"] * len(head), *rows]:
        print(f"| {' | '.join(row)} |")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
