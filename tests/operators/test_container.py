from __future__ import annotations

import asyncio
import json
import re
import subprocess
from hashlib import sha1
from pathlib import Path
from typing import Any

import debugpy  # type: ignore[import-untyped, unused-ignore]
import pytest

from digdag_tui.engine.operator import OperatorResult
from digdag_tui.operators import container, process
from digdag_tui.workflow.errors import DigdagError

from . import containers
from .containers import IMAGE
from .dap_client import DapClient
from .support import Call, call, error, message

PODMAN = {"docker": "podman", "image": IMAGE}


@pytest.fixture(scope="module")
def surroundings() -> dict[str, str]:
    try:
        return containers.prepare()
    except containers.Unavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture
def podman(surroundings: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A podman that has the image."""
    for name, value in surroundings.items():
        monkeypatch.setenv(name, value)


def ran(
    project: Path, operator: str, command: Any, options: dict[str, Any], **more: Any
) -> tuple[Call, OperatorResult]:
    task = call(project, operator, command, options, **more)
    return task, asyncio.run(task.run())


def said(*command: str) -> list[str]:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()


def left(project: Path) -> list[str]:
    """The containers of a project."""
    return said("podman", "ps", "-a", "-q", "--filter", f"volume={project}")


def program(folder: Path, name: str, script: str) -> Path:
    """A program of the user's, in a folder for PATH."""
    folder.mkdir(exist_ok=True)
    place = folder / name
    place.write_text(f"#!/bin/sh\n{script}\n")
    place.chmod(0o755)
    return place


def recorder(folder: Path, name: str = "docker", script: str = "") -> Path:
    """A program that writes down what it is called with, a line for each call and a tab between words."""
    place = program(folder, name, f'{{ printf "%s\\t" "$@"; echo; }} >> {folder}/calls\n{script}')
    (folder / "calls").touch()
    return place


def calls(folder: Path) -> list[list[str]]:
    return [line.split("\t")[:-1] for line in (folder / "calls").read_text().splitlines()]


# What runs in a container


@pytest.mark.usefixtures("podman")
def test_a_script_runs_in_the_image_with_the_project_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OURS", "inherited")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "given").write_text("from here\n")
    script = 'pwd -P; cat given; echo "[$OURS] $n $KEY"; ls /usr/bin/podman 2>&1 || echo err >&2; echo made > made'
    options = {"docker": PODMAN, "n": 5, "_workdir": "sub", "_env": {"KEY": "<${secret:k}>"}}
    task, _ = ran(tmp_path, "sh", script, options, secrets={"k": "v"})
    assert task.lines == [
        f"{tmp_path}/sub",
        "from here",
        "[] 5 <v>",
        "ls: cannot access '/usr/bin/podman': No such file or directory",
        "err",
    ]
    assert (tmp_path / "sub" / "made").read_text() == "made\n"
    assert list((tmp_path / ".digdag" / "tmp").iterdir()) == []
    assert left(tmp_path) == []


@pytest.mark.usefixtures("podman")
@pytest.mark.parametrize(
    ("script", "code"), [("exit 3", 3), ("no_such_command", 127), ("sh -c 'kill -9 $$'; exit $?", 137)]
)
def test_the_exit_code_is_the_containers(tmp_path: Path, script: str, code: int) -> None:
    assert message(tmp_path, "sh", script, {"docker": PODMAN}) == f"Command failed with code {code} (runtime)"


@pytest.mark.usefixtures("podman")
def test_a_container_that_does_not_start_comes_with_advice(tmp_path: Path) -> None:
    task = call(tmp_path, "sh", "true", {"docker": {**PODMAN, "run_options": ["--no-such-option"]}})
    with pytest.raises(DigdagError, match="Command failed with code 125"):
        asyncio.run(task.run())
    level, _, text = task.log[-1]
    assert level == "WARN"
    assert "agent.command_executor.type=simple" in text


@pytest.mark.usefixtures("podman")
def test_nothing_comes_in(tmp_path: Path) -> None:
    assert ran(tmp_path, "sh", "cat; echo end", {"docker": PODMAN})[0].lines == ["end"]


@pytest.mark.usefixtures("podman")
def test_options_for_run_come_first(tmp_path: Path) -> None:
    options = {**PODMAN, "run_options": ["--env", "MODE=fast", "--read-only"]}
    script = "echo $MODE; touch /new 2> /dev/null || echo read only"
    assert ran(tmp_path, "sh", script, {"docker": options})[0].lines == ["fast", "read only"]


@pytest.mark.usefixtures("podman")
def test_what_is_exported_or_in_the_operators_scope_counts(tmp_path: Path) -> None:
    for params in (
        {"docker": PODMAN},
        {"sh": {"docker": PODMAN}},
        {"docker": {"image": IMAGE}, "sh": {"docker": PODMAN}},
    ):
        assert ran(tmp_path, "sh", "test -e /usr/bin/podman || echo inside", {}, params=params)[0].lines == ["inside"]


PYTHON = """\
import os

import digdag


def work(n, more=()):
    digdag.env.store(total=n + sum(more))
    digdag.env.add_subtask(work, n=1)
    print(os.path.exists("/usr/bin/podman"), os.environ.get("n"), os.environ["KEY"])


def fail():
    raise ValueError("böse")
"""


@pytest.mark.usefixtures("podman")
def test_python_in_a_container(tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text(PYTHON)
    options = {"docker": PODMAN, "python": "python3", "n": 2, "more": [3, 4], "_env": {"KEY": "v"}}
    task, result = ran(tmp_path, "py", "tasks.work", options)
    assert task.lines == ["False None v"]
    assert result == OperatorResult(store={"total": 9}, subtasks={"+subtask0": {"n": 1, "py>": "tasks.work"}})
    failure = error(tmp_path, "py", "tasks.fail", options)
    assert failure.message.startswith(
        "Python command failed with code 1\nError messages from python: böse (ValueError)\n"
    )
    assert [frame["file"] for frame in getattr(failure, "frames", ())] == [str(tmp_path / "tasks.py")]


@pytest.mark.usefixtures("podman")
def test_python_of_a_container_is_looked_up_in_there(tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text(PYTHON)
    assert message(tmp_path, "py", "tasks.work", {"docker": PODMAN}) == "Python command failed with code 127 (runtime)"


TOTAL = PYTHON.splitlines().index("    digdag.env.store(total=n + sum(more))") + 1


@pytest.mark.usefixtures("podman")
async def test_a_debugger_reaches_into_a_container(tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text(PYTHON)
    options = {"docker": PODMAN, "python": "python3", "n": 2, "_env": {"KEY": "v"}}
    place: asyncio.Future[tuple[str, int]] = asyncio.get_running_loop().create_future()
    task = call(
        tmp_path, "py", "tasks.work", options, debug_python=True, debug_waiting=lambda *where: place.set_result(where)
    )
    running = asyncio.create_task(task.run())
    either: list[asyncio.Future[Any]] = [running, place]
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    assert not running.done(), task.lines
    host, port = place.result()
    assert host == "127.0.0.1"
    client = await DapClient.attach(host, port, {tmp_path / "tasks.py": [TOTAL]})
    stopped = await client.event("stopped")
    frame = (await client.ask("stackTrace", threadId=stopped["threadId"]))["stackFrames"][0]
    assert frame["source"]["path"] == str(tmp_path / "tasks.py")
    assert (await client.ask("evaluate", expression="__import__('os').path.exists('/usr/bin/podman')",
                             frameId=frame["id"]))["result"] == "False"  # fmt: skip
    scope = (await client.ask("scopes", frameId=frame["id"]))["scopes"][0]
    await client.ask("setVariable", variablesReference=scope["variablesReference"], name="n", value="40")
    client.send("continue", threadId=stopped["threadId"])
    assert (await running).store == {"total": 40}
    await client.hang_up()
    assert left(tmp_path) == []


@pytest.mark.usefixtures("podman")
async def test_cancelling_ends_a_container_that_waits_for_a_debugger(tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text(PYTHON)
    waits = asyncio.Event()
    options = {"docker": PODMAN, "python": "python3", "n": 2}
    task = call(tmp_path, "py", "tasks.work", options, debug_python=True, debug_waiting=lambda *where: waits.set())
    running = asyncio.create_task(task.run())
    await waits.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert left(tmp_path) == []


@pytest.mark.parametrize(("selinux", "mode"), [(False, "ro"), (True, "ro,z")])
def test_debugpy_is_lent_read_only_and_its_port_is_ours_alone(tmp_path: Path, selinux: bool, mode: str) -> None:
    project, tools = tmp_path / "project", tmp_path / "tools"
    project.mkdir()
    docker = {"image": "img:1", "docker": str(recorder(tools)), "selinux": selinux}
    error(project, "py", "tasks.work", {"docker": docker}, debug_python=True)
    (line,) = calls(tools)
    lent = Path(debugpy.__file__).parent
    published = line[line.index("-p") + 1]
    assert line[line.index("-p") - 2 : line.index("-p")] == ["-v", f"{lent}:{lent}:{mode}"]
    assert re.fullmatch(r"127\.0\.0\.1:(\d+):\1", published)


@pytest.mark.usefixtures("podman")
def test_ruby_in_a_container(tmp_path: Path) -> None:
    (tmp_path / "tasks.rb").write_text(
        "def work(n)\n  Digdag.env.store(n: n + 1)\n  puts File.exist?('/usr/bin/podman')\nend\n"
    )
    task, result = ran(tmp_path, "rb", "work", {"docker": PODMAN, "require": "tasks", "n": 1})
    assert (task.lines, result.store) == (["false"], {"n": 2})


@pytest.mark.usefixtures("podman")
@pytest.mark.parametrize(
    ("trap", "seen"), [("", ["up"]), ("trap '' TERM;", ["up"]), ("trap 'echo bye > bye; exit' TERM;", ["bye", "up"])]
)
def test_cancelling_ends_the_container(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trap: str, seen: list[str]
) -> None:
    monkeypatch.setattr(process, "TERMINATION_GRACE", 30 if "bye" in seen else 1)

    async def cancel() -> None:
        task = asyncio.create_task(
            call(tmp_path, "sh", f"{trap} echo up > up; sleep 60 & wait; sleep 60", {"docker": PODMAN}).run()
        )
        while not (tmp_path / "up").exists():
            assert not task.done()
            await asyncio.sleep(0.02)
        assert len(left(tmp_path)) == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != ".digdag") == seen
    assert left(tmp_path) == []
    assert list((tmp_path / ".digdag" / "tmp").iterdir()) == []


# Images


@pytest.mark.usefixtures("podman")
def test_an_image_is_built_once(tmp_path: Path) -> None:
    commands = ["echo one > /one\necho two > /two\n", "cat /one /two > /both"]
    docker = {**PODMAN, "build": commands, "build_options": ["--network=host"]}
    contents = {"image": IMAGE, "build": commands, "revision": container._REVISION}
    tag = sha1(json.dumps(contents, separators=(",", ":")).encode()).hexdigest()
    name = "digdag-project-1"
    try:
        first, _ = ran(tmp_path, "sh", "cat /both", {"docker": docker, "project_id": 12})
        assert first.lines == ["one", "two"]
        assert said("podman", "images", "--format", "{{.Repository}}:{{.Tag}}", f"{name}:{tag}") == [
            f"localhost/{name}:{tag}"
        ]
        assert (tmp_path / ".digdag" / "tmp" / "docker" / f"Dockerfile.{name}.{tag}").read_text() == (
            f"FROM {IMAGE}\nRUN echo one > /one\nRUN echo two > /two\nRUN cat /one /two > /both\n"
        )
        built = [text for level, _, text in first.log if level == "INFO"]
        assert built[0] == f"Building docker image {name}:{tag}"
        assert any("RUN echo two > /two" in line for line in built[1:])
        again, _ = ran(tmp_path, "sh", "cat /both", {"docker": docker, "project_id": 12})
        assert again.lines == ["one", "two"]
        assert [text for level, _, text in again.log if level == "INFO"] == []
    finally:
        subprocess.run(["podman", "rmi", "-f", f"{name}:{tag}"], capture_output=True, timeout=60)


@pytest.mark.usefixtures("podman")
def test_an_image_that_cannot_be_built_or_pulled(tmp_path: Path) -> None:
    build = {**PODMAN, "build": ["echo broken; exit 4"], "build_options": ["--network=host"]}
    task = call(tmp_path, "sh", "true", {"docker": build})
    with pytest.raises(Exception, match=r"^Docker build failed$"):
        asyncio.run(task.run())
    assert "broken" in [text for _, _, text in task.log]
    assert task.output == []
    pull = {"docker": "podman", "image": "localhost:1/none", "pull_always": True}
    task = call(tmp_path, "sh", "true", {"docker": pull})
    with pytest.raises(Exception, match=r"^Docker pull failed$"):
        asyncio.run(task.run())
    assert task.log[0][2] == "Pulling docker image localhost:1/none"
    assert task.output == []


# The command line


@pytest.mark.parametrize(("selinux", "mode"), [(None, "rw"), (False, "rw"), (True, "rw,Z"), ("true", "rw,Z")])
def test_the_command_line(tmp_path: Path, selinux: Any, mode: str) -> None:
    project, tools = tmp_path / "project", tmp_path / "tools"
    (project / "sub").mkdir(parents=True)
    docker = {"image": "img:1", "docker": str(recorder(tools)), "run_options": ["-u", 5], "selinux": selinux}
    (project / "a.rb").touch()
    ran(project, "sh", "true", {"docker": docker, "_workdir": "sub", "_env": {"A": "1 2"}})
    (line,) = calls(tools)
    assert line[:9] == ["run", "-u", "5", "--rm", "-v", f"{project}:{project}:{mode}", "-w", f"{project}/sub", "-e"]
    image = line.index("img:1")
    assert line[image + 1] == "/bin/sh"
    assert line[image + 2].startswith("../.digdag/tmp/digdag-sh-7-")
    variables = line[9:image:2]
    assert set(line[8:image:2]) == {"-e"}
    assert {"_type=sh", "_command=true", "_workdir=sub", "A=1 2"} < set(variables)
    assert not any(variable.startswith("PATH=") for variable in variables)


def test_only_env_is_passed_to_python_and_all_of_ours_to_embulk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OURS", "inherited")
    docker = {"image": "img", "docker": str(recorder(tmp_path / "tools"))}
    message(tmp_path, "py", "a.b", {"docker": docker, "n": 1, "_env": {"A": "1"}})
    ran(tmp_path, "embulk", None, {"docker": docker, "config": {}, "_env": {"A": "1"}})
    python, embulk = calls(tmp_path / "tools")
    image = python.index("img")
    assert python[python.index("-w") + 2 : image + 3] == [
        "-e", "A=1", "img", "python", python[image + 2],
    ]  # fmt: skip
    assert {"OURS=inherited", "A=1"} < set(embulk)
    assert embulk[embulk.index("img") + 1 :][:2] == ["embulk", "run"]


def test_building(tmp_path: Path) -> None:
    project, tools = tmp_path / "project", tmp_path / "tools"
    project.mkdir()
    docker = {"image": "im\nage", "docker": str(recorder(tools)), "build": ["a"], "build_options": ["--squash"]}
    ran(project, "sh", "true", {"docker": {**docker, "pull_always": True}})
    images, build, run = calls(tools)
    assert images == ["images"]
    name = run[run.index("/bin/sh") - 1]
    file = f"{project}/.digdag/tmp/docker/Dockerfile.{name.replace(':', '.')}"
    assert build == ["build", "--squash", "-f", file, "--force-rm", "-t", name, str(project)]
    assert name.startswith("digdag-project-1:")
    assert Path(file).read_text() == "FROM image\nRUN a\n"


@pytest.mark.parametrize("listed", ["$NAME   $TAG   4d", "localhost/$NAME  $TAG  4d", "$NAME:$TAG  4d"])
def test_an_image_that_is_there_is_not_built(tmp_path: Path, listed: str) -> None:
    docker = {"image": "img", "build": ["true"]}
    contents = {**docker, "revision": container._REVISION}
    tag = sha1(json.dumps(contents, separators=(",", ":")).encode()).hexdigest()
    line = listed.replace("$NAME", "digdag-project-1").replace("$TAG", tag)
    tool = recorder(tmp_path / "tools", script=f'[ "$1" = images ] && printf "REPOSITORY\\n{line}\\n"; exit 0')
    ran(tmp_path, "sh", "true", {"docker": {**docker, "docker": str(tool)}})
    assert [line[0] for line in calls(tmp_path / "tools")] == ["images", "run"]


def test_pulling_always(tmp_path: Path) -> None:
    docker = {"image": "img", "docker": str(recorder(tmp_path / "tools")), "pull_always": True}
    ran(tmp_path, "sh", "true", {"docker": docker})
    assert [line[:2] for line in calls(tmp_path / "tools")] == [["pull", "img"], ["run", "--rm"]]


# Which program runs it


@pytest.mark.parametrize(
    ("docker", "podman", "used"),
    [
        ("exit 0", "exit 0", "docker"),
        ("[ $1 = run ]", "exit 0", "podman"),
        (None, "exit 0", "podman"),
        ("[ $1 = run ]", None, "docker"),
    ],
)
def test_podman_takes_the_place_of_a_docker_without_an_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, docker: str | None, podman: str | None, used: str
) -> None:
    for name, script in (("docker", docker), ("podman", podman)):
        if script:
            program(tmp_path / "tools", name, f"[ $1 = run ] && echo {name}\n{script}")
    monkeypatch.setenv("PATH", str(tmp_path / "tools"))
    task, _ = ran(tmp_path, "sh", "true", {"docker": {"image": "img"}})
    assert task.lines == [used]
    assert len([text for level, _, text in task.log if level == "INFO"]) == (used == "podman")


def test_a_program_that_is_named_is_used_as_it_is(tmp_path: Path) -> None:
    tool = program(tmp_path / "tools", "mine", "[ $1 = run ] && echo mine")
    assert ran(tmp_path, "sh", "true", {"docker": {"image": "img", "docker": str(tool)}})[0].lines == ["mine"]


@pytest.mark.parametrize(
    ("docker", "said"),
    [
        ({}, "Parameter 'image' is required but not set (config)"),
        ("img", "Parameter 'docker' must be an object (config)"),
        ({"image": None}, "Parameter 'image' is required but null (config)"),
        ({"image": ["a"]}, "Expected string type for key 'image' but got [\"a\"] (array) (config)"),
        ({"image": "i", "build": None}, "Parameter 'build' is required but null (config)"),
        ({"image": "i", "build": "apt"}, "Expected array type for key 'build' but got \"apt\" (string) (config)"),
        ({"image": "i", "build": [None]}, "java.lang.NullPointerException"),
        (
            {"image": "i", "build": [], "build_options": "--x"},
            "Expected array type for key 'build_options' but got \"--x\" (string) (config)",
        ),
        (
            {"image": "i", "run_options": "--x"},
            "Expected array type for key 'run_options' but got \"--x\" (string) (config)",
        ),
        ({"image": "i", "run_options": ["-e", None]}, "java.lang.NullPointerException"),
        (
            {"image": "i", "selinux": "maybe"},
            "Expected 'true' or 'false' for key 'selinux' but got \"maybe\" (string) (config)",
        ),
        (
            {"image": "i", "pull_always": 1.5},
            "Expected 'true' or 'false' for key 'pull_always' but got 1.5 (number) (config)",
        ),
        (
            {"image": "i", "docker": "no-docker"},
            'java.io.IOException: Cannot run program "no-docker" (in directory "P"): '
            "error=2, No such file or directory (runtime)",
        ),
        (
            {"image": "i", "docker": "no-docker", "pull_always": True},
            'java.io.IOException: Cannot run program "no-docker": error=2, No such file or directory (runtime)',
        ),
        (
            {"image": "i", "docker": "no-docker", "build": ["true"]},
            'java.io.IOException: Cannot run program "no-docker": error=2, No such file or directory (runtime)',
        ),
    ],
)
def test_what_stops_a_container_before_it_runs(tmp_path: Path, docker: Any, said: str) -> None:
    if isinstance(docker, dict):
        docker.setdefault("docker", "true")
    assert message(tmp_path, "sh", "true", {"docker": docker}) == said


def test_an_option_without_a_value_is_an_empty_one(tmp_path: Path) -> None:
    said = "Parameter 'image' is required but not set (config)"
    assert message(tmp_path, "py", "a.b", {"docker": None}) == said


def test_a_program_that_is_not_there_comes_with_advice(tmp_path: Path) -> None:
    hint = error(tmp_path, "sh", "true", {"docker": {"image": "i", "docker": "no-docker"}}).hint
    assert hint is not None
    assert "podman" in hint


# Which executor


@pytest.mark.parametrize(
    ("settings", "lines"),
    [
        ({}, ["container"]),
        ({"type": "ecs"}, ["container"]),
        ({"type": "docker"}, ["container"]),
        ({"type": "kubernetes"}, ["container"]),
        ({"type": "simple"}, ["here"]),
        ({"type": "simple", "ecs.name": "c"}, ["here"]),
    ],
)
def test_the_executor_of_digdags_configuration(tmp_path: Path, settings: dict[str, str], lines: list[str]) -> None:
    tool = program(tmp_path / "tools", "docker", "echo container")
    configured = {f"agent.command_executor.{key}": value for key, value in settings.items()}
    docker = {"image": "img", "docker": str(tool)}
    assert ran(tmp_path, "sh", "echo here", {"docker": docker}, settings=configured)[0].lines == lines
    assert ran(tmp_path, "sh", "echo here", {}, settings=configured)[0].lines == ["here"]


def test_an_executor_that_is_none(tmp_path: Path) -> None:
    settings = {"agent.command_executor.type": "magic"}
    said = "Configured commandExecutor name is not found: magic (config)"
    assert message(tmp_path, "sh", "true", settings=settings) == said
    assert message(tmp_path, "py", "a.b", settings=settings) == said


@pytest.mark.parametrize(("kind", "key"), [("ecs", "docker"), ("ecs", "ecs"), ("kubernetes", "docker")])
def test_a_cluster_is_out_of_reach(tmp_path: Path, kind: str, key: str) -> None:
    settings = {"agent.command_executor.type": kind, f"agent.command_executor.{kind}.name": "prod"}
    failure = error(tmp_path, "sh", "true", {key: {"image": "i"}}, settings=settings)
    assert failure.error_message == f"The {kind} cluster 'prod' is out of digdag-tui's reach (not available)"
    assert failure.hint is not None
    assert ran(tmp_path, "sh", "echo here", {}, settings=settings)[0].lines == ["here"]
