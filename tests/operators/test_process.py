from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from digdag_tui.operators import process
from digdag_tui.workflow.errors import TaskRuntimeError


async def shell(script: str, directory: Path, **variables: str) -> tuple[int, str]:
    output: list[str] = []
    code = await process.run(["/bin/sh", "-c", script], directory, variables, output.append)
    return code, "".join(output)


async def settled(path: Path) -> str:
    """The content of a file that a process is about to write."""
    while not path.exists() or not path.read_text().endswith("\n"):
        await asyncio.sleep(0.01)
    return path.read_text()


def is_running(pid: int) -> bool:
    with contextlib.suppress(OSError):
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat")
        return not state.exists() or state.read_text().rpartition(") ")[2][0] not in "ZX"
    return False


async def gone(pids: list[int]) -> bool:
    """Whether these processes end; those that were orphaned are reaped by somebody else, in his time."""
    for _ in range(500):
        if not any(map(is_running, pids)):
            return True
        await asyncio.sleep(0.01)
    return False


@contextlib.asynccontextmanager
async def started(script: str, directory: Path) -> AsyncIterator[tuple[asyncio.Task[tuple[int, str]], list[int]]]:
    """A script that runs and has written process ids to the file `pids`."""
    task = asyncio.create_task(shell(script, directory))
    pids = [int(word) for word in (await settled(directory / "pids")).split()]
    assert all(map(is_running, pids))
    yield task, pids
    assert await gone(pids)


@pytest.mark.parametrize(
    ("script", "code"),
    [("true", 0), ("exit 3", 3), ("exit 255", 255), ("exit 256", 0), ("kill -9 $$", 137), ("kill -TERM $$", 143)],
)
async def test_exit_codes(tmp_path: Path, script: str, code: int) -> None:
    assert await shell(script, tmp_path) == (code, "")


async def test_both_outputs_come_in_the_order_of_writing(tmp_path: Path) -> None:
    assert await shell("echo one; echo two >&2; echo three; printf 'no end' >&2", tmp_path) == (
        0,
        "one\ntwo\nthree\nno end",
    )


async def test_many_lines_stay_in_order(tmp_path: Path) -> None:
    code, output = await shell("i=0; while [ $i -lt 2000 ]; do i=$((i+1)); echo line $i; done", tmp_path)
    assert code == 0
    assert output.splitlines() == [f"line {number}" for number in range(1, 2001)]


async def test_ten_megabytes(tmp_path: Path) -> None:
    code, output = await shell("yes 0123456789abcde | head -c 10000000", tmp_path)
    assert code == 0
    assert output == ("0123456789abcde\n" * 625_000)


async def test_output_is_decoded_as_it_comes_and_never_breaks_a_character(tmp_path: Path) -> None:
    assert await shell("printf 'caf\\303'; sleep 0.05; printf '\\251 \\377\\n\\346\\227'", tmp_path) == (
        0,
        "café \ufffd\n\ufffd",
    )


async def test_output_comes_before_the_end(tmp_path: Path) -> None:
    first = asyncio.get_running_loop().create_future()
    output: list[str] = []

    def hear(text: str) -> None:
        output.append(text)
        if not first.done():
            first.set_result(text)

    script = "echo ready; while [ ! -e go ]; do sleep 0.01; done; echo done"
    task = asyncio.create_task(process.run(["/bin/sh", "-c", script], tmp_path, {}, hear))
    assert await first == "ready\n"
    assert not task.done()
    (tmp_path / "go").touch()
    assert await task == 0
    assert "".join(output) == "ready\ndone\n"


async def test_input_is_a_pipe_without_an_end(tmp_path: Path) -> None:
    script = "[ -p /dev/stdin ] && echo pipe; [ -t 0 ] || echo no terminal; echo $$ > pids; cat"
    async with started(script, tmp_path) as (task, _):
        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_our_environment_and_the_variables_over_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURS", "kept")
    monkeypatch.setenv("BOTH", "ours")
    _, output = await shell("echo $OURS $BOTH $NEW; pwd -P", tmp_path, BOTH="theirs", NEW="日本\n語")
    assert output == f"kept theirs 日本 語\n{tmp_path.resolve()}\n"


async def test_a_program_is_found_by_our_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\necho found\n")
    tool.chmod(0o755)
    output: list[str] = []
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert await process.run(["tool"], tmp_path, {"PATH": "/nowhere"}, output.append) == 0
    assert output == ["found\n"]
    with pytest.raises(TaskRuntimeError):
        monkeypatch.delenv("PATH")
        await process.run(["tool"], tmp_path, {"PATH": str(tmp_path)}, output.append)


@pytest.mark.parametrize(
    ("program", "folder", "problem"),
    [
        ("no-such-program", ".", "error=2, No such file or directory"),
        ("/no/such/program", ".", "error=2, No such file or directory"),
        ("./plain", ".", "error=13, Permission denied"),
        ("/bin/sh", "missing", "error=2, No such file or directory"),
        ("/bin/sh", "a\0b", "an argument or a variable cannot be passed to a program (embedded null byte)"),
    ],
)
async def test_a_program_that_cannot_start(tmp_path: Path, program: str, folder: str, problem: str) -> None:
    (tmp_path / "plain").touch()
    directory = tmp_path / folder
    with pytest.raises(TaskRuntimeError) as caught:
        await process.run([program], directory, {}, print)
    assert caught.value.error_message == (
        f'java.io.IOException: Cannot run program "{program}" (in directory "{directory}"): {problem} (runtime)'
    )


async def test_where_we_are_is_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    output: list[str] = []
    assert await process.run(["/bin/pwd", "-P"], None, {}, output.append) == 0
    assert output == [f"{tmp_path.resolve()}\n"]
    with pytest.raises(process.StartError) as caught:
        await process.run(["no-such-program"], None, {}, print)
    problem = 'Cannot run program "no-such-program": error=2, No such file or directory'
    assert caught.value.message == f"java.io.IOException: {problem}"


async def test_what_is_left_in_the_background_does_not_hold_the_task(tmp_path: Path) -> None:
    code, output = await shell("sleep 60 & echo $! > pids; echo done", tmp_path)
    assert (code, output) == (0, "done\n")
    os.kill(int((tmp_path / "pids").read_text()), signal.SIGKILL)


async def test_what_a_child_writes_right_after_the_end_is_kept(tmp_path: Path) -> None:
    assert await shell("(while [ ! -e go ]; do :; done; echo late) & echo now; touch go", tmp_path) == (
        0,
        "now\nlate\n",
    )


@pytest.mark.parametrize(
    "script",
    [
        "sh -c 'sh -c \"sleep 60\" & echo $! > middle; wait' & while [ ! -s middle ]; do sleep 0.01; done;"
        " echo $$ $! $(cat middle) > pids; wait",
        "sleep 60 & echo $$ $! > pids; sleep 60",
        "sleep 60 | cat & echo $! > pids; wait",
    ],
)
async def test_cancelling_ends_children_of_children(tmp_path: Path, script: str) -> None:
    async with started(script, tmp_path) as (task, _):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_cancelling_lets_a_process_end_well(tmp_path: Path) -> None:
    script = "trap 'echo cleaned > cleaned; exit' TERM; echo $$ > pids; while :; do sleep 0.01; done"
    async with started(script, tmp_path) as (task, _):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert (tmp_path / "cleaned").read_text() == "cleaned\n"


async def test_a_process_that_ignores_the_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "TERMINATION_GRACE", 0.1)
    async with started("trap '' TERM; sleep 60 & echo $$ $! > pids; while :; do sleep 1; done", tmp_path) as (task, _):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_cancelling_while_it_starts_leaves_nothing(tmp_path: Path) -> None:
    for rounds in range(6):
        task = asyncio.create_task(shell(f"sleep 60 & echo $$ $! > pids{rounds}; wait", tmp_path))
        for _ in range(rounds):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    pids = " ".join(path.read_text() for path in tmp_path.glob("pids*")).split()
    assert await gone([int(pid) for pid in pids])


async def test_cancelling_twice_kills_at_once(tmp_path: Path) -> None:
    async with started("trap '' TERM; echo $$ > pids; while :; do sleep 1; done", tmp_path) as (task, _):
        task.cancel()
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_nothing_of_a_process_stays_with_us(tmp_path: Path) -> None:
    before = len(os.listdir("/dev/fd"))
    for _ in range(3):
        await shell("echo x", tmp_path)
        with pytest.raises(TaskRuntimeError):
            await process.run(["no-such-program"], tmp_path, {}, print)
    await asyncio.sleep(0)
    assert len(os.listdir("/dev/fd")) == before
    with contextlib.suppress(ChildProcessError):
        assert os.waitpid(-1, os.WNOHANG) == (0, 0), "a process that has ended was not asked about"
