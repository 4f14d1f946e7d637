from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from digdag_tui.engine.journal import encode
from digdag_tui.params.evaluate import Evaluator
from digdag_tui.workflow.errors import DigdagError

from .http_server import Received, ok, redirect, serving, silent
from .smtp_server import receiving
from .support import Call, call, message, run

SESSION = {
    "session_uuid": "414a8b9e-b365-4394-916a-f0ed9987bd2b", "session_time": "2026-11-22T09:00:00+09:00",
    "timezone": "Asia/Tokyo", "project_id": 1, "session_id": 2, "attempt_id": 3,
}  # fmt: skip
FAST = {"notification.min_retry_wait": "1", "notification.max_retry_wait": "1"}
ONCE = {"notification.retries": "0"}


def task(project: Path, kind: str, settings: dict[str, str]) -> Call:
    """A task that says hello by a notifier."""
    settings = {"notification.type": kind, **{f"notification.{kind}.{key}": settings[key] for key in settings}}
    given = call(project, "notify", 'hello "you"', params=SESSION, settings=settings)
    given.context.evaluate = Evaluator().text
    return given


def failure(given: Call, **settings: str) -> DigdagError:
    """Why a task fails that tries once."""
    given.context.settings = {**given.context.settings, **ONCE, **settings}
    with pytest.raises(DigdagError) as caught:
        asyncio.run(given.run())
    encode([caught.value.log_message, caught.value.hint, given.log])
    return caught.value


def posted(received: Received) -> dict[str, Any]:
    notification = json.loads(received.body)
    assert isinstance(notification, dict)
    return notification


class TestWithoutANotifier:
    def test_it_does_nothing(self, tmp_path: Path) -> None:
        assert run(tmp_path, "notify", "hello").store == {}

    def test_it_needs_a_text(self, tmp_path: Path) -> None:
        assert message(tmp_path, "notify") == "Parameter '_command' is required but not set (config)"

    def test_types_are_three(self, tmp_path: Path) -> None:
        found = failure(task(tmp_path, "pigeon", {}))
        assert found.kind == "config"
        assert found.hint == "notification.type is http, mail or shell"


class TestHttp:
    def test_a_notification_is_posted(self, tmp_path: Path) -> None:
        with serving(ok()) as server:
            url = f"{server.url}/hook?a=b"
            asyncio.run(task(tmp_path, "http", {"url": url, "headers.X-Token": "t", "headers.X-Other": "o"}).run())
        got = server.requests[0]
        assert got.line == "POST /hook?a=b HTTP/1.1"
        assert got.header("content-type") == "application/json"
        assert (got.header("x-token"), got.header("x-other")) == ("t", "o")
        notification = posted(got)
        assert notification.pop("timestamp").endswith("Z")
        assert notification == {
            "message": 'hello "you"', "site_id": 0, "project_id": 1, "project_name": "default", "workflow_name": "main",
            "revision": "", "attempt_id": 3, "session_id": 2, "task_name": "+main+task", "timezone": "Asia/Tokyo",
            "session_uuid": SESSION["session_uuid"], "session_time": SESSION["session_time"],
            "workflow_definition_id": 1,
        }  # fmt: skip
        assert list(posted(got))[:2] == ["timestamp", "message"]

    def test_the_method_can_be_another(self, tmp_path: Path) -> None:
        with serving(ok(status="204 Fine")) as server:
            asyncio.run(task(tmp_path, "http", {"url": server.url, "method": "PUT"}).run())
        assert server.requests[0].method == "PUT"

    @pytest.mark.parametrize(
        ("answer", "problem"),
        [
            (ok(status="500 \x1b[2J"), "Failed to send HTTP notification: status=Internal Server Error (notification)"),
            (ok(status="799 x"), "Failed to send HTTP notification: status=799 (notification)"),
            (redirect("/x"), "Failed to send HTTP notification: status=Found (notification)"),
            (b"no http\r\n\r\n", "the answer is no HTTP: "),
        ],
    )
    def test_other_statuses_fail(self, tmp_path: Path, answer: bytes, problem: str) -> None:
        with serving(answer) as server:
            found = failure(task(tmp_path, "http", {"url": server.url}))
        assert found.error_message == "Sending notification failed (notification)"
        assert f"\n> {problem}" in found.log_message

    def test_a_dead_port_fails(self, tmp_path: Path) -> None:
        found = failure(task(tmp_path, "http", {"url": "http://127.0.0.1:9/"}))
        assert found.hint == "java.net.ConnectException: Connection refused"

    def test_it_is_tried_again(self, tmp_path: Path) -> None:
        with serving(ok(status="500 x"), ok(status="503 x"), ok()) as server:
            given = task(tmp_path, "http", {"url": server.url})
            given.context.settings = {**given.context.settings, **FAST}
            asyncio.run(given.run())
        logger = "io.digdag.core.notification.DefaultNotifier"
        assert given.log == [
            ("WARN", logger, "Sending notification failed: retry 1 of 10"),
            ("WARN", logger, "Sending notification failed: retry 2 of 10"),
        ]
        assert len(server.requests) == 3

    def test_but_not_for_ever(self, tmp_path: Path) -> None:
        with serving(ok(status="500 first"), ok(status="503 x")) as server:
            found = failure(task(tmp_path, "http", {"url": server.url}), **{**FAST, "notification.retries": "2"})
        assert len(server.requests) == 3
        assert found.hint == "Failed to send HTTP notification: status=Internal Server Error"

    def test_waits_grow_threefold_up_to_a_limit(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        waits: list[float] = []
        sleep = asyncio.sleep

        async def note(seconds: float) -> None:
            waits.append(seconds)
            await sleep(0)

        monkeypatch.setattr("digdag_tui.operators.notify.asyncio.sleep", note)
        failure(task(tmp_path, "shell", {"command": "exit 1"}), **{"notification.retries": "6"})
        assert waits == [1, 3, 9, 27, 30, 30]

    @pytest.mark.parametrize("url", [None, "http://bad host/"])
    def test_urls_that_are_none(self, tmp_path: Path, url: str | None) -> None:
        found = failure(task(tmp_path, "http", {} if url is None else {"url": url}))
        assert found.kind == ("config" if url is None else "illegal argument")

    async def test_cancelling_ends_it(self, tmp_path: Path) -> None:
        with serving(silent) as server:
            running = asyncio.create_task(task(tmp_path, "http", {"url": server.url}).run())
            await asyncio.to_thread(server.arrived.wait, 20)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running


class TestMail:
    def settings(self, port: int, **more: str) -> dict[str, str]:
        return {"host": "127.0.0.1", "port": str(port), "from": "a@example.com", "to": " b@example.com ", **more}

    def test_a_notification_is_mailed(self, tmp_path: Path) -> None:
        with receiving() as mailbox:
            asyncio.run(task(tmp_path, "mail", self.settings(mailbox.port, cc="c@example.com", bcc=" ")).run())
        assert mailbox.envelope.rcpt_tos == ["b@example.com", "c@example.com"]
        assert mailbox.message["Subject"] == "Digdag Notification"
        head, _, rest = mailbox.text.partition("\nDate: ")
        assert head == 'Digdag Notification\n\nMessage: hello "you"'
        assert rest.splitlines()[1:] == [
            "", "Site Id: 0", "Project Name: default", "Project Id: 1", "Workflow Name: main", "Revision: ",
            "Attempt Id: 3", "Session Id: 2", "Task Name: +main+task", "Time Zone: Asia/Tokyo",
            f"Session Uuid: {SESSION['session_uuid']}", f"Session Time: {SESSION['session_time']}",
        ]  # fmt: skip

    def test_a_template_of_our_own(self, tmp_path: Path) -> None:
        template = tmp_path / "template.html"
        template.write_text("<b>${message.toUpperCase()}</b>")
        with receiving(auth_require_tls=False) as mailbox:
            more = {"subject": "S", "html": "true", "body_template_file": str(template)}
            more |= {"username": "u", "password": "right"}
            asyncio.run(task(tmp_path, "mail", self.settings(mailbox.port, **more)).run())
        assert mailbox.logins == [("LOGIN", "u", "right")]
        assert (mailbox.message["Subject"], mailbox.message.get_content_type()) == ("S", "text/html")
        assert mailbox.text == '<b>HELLO "YOU"</b>\n'

    def test_a_template_that_is_missing(self, tmp_path: Path) -> None:
        found = failure(task(tmp_path, "mail", self.settings(9, body_template_file="/no/such/file")))
        assert found.message == "java.nio.file.NoSuchFileException: /no/such/file"

    @pytest.mark.parametrize("missing", ["host", "port", "from", "to"])
    def test_settings_that_are_missing(self, tmp_path: Path, missing: str) -> None:
        settings = self.settings(9)
        del settings[missing]
        problem = f"Parameter 'notification.mail.{missing}' is required but not set (config)"
        assert failure(task(tmp_path, "mail", settings)).error_message == problem

    @pytest.mark.parametrize(
        ("more", "problem"),
        [({}, "Couldn't connect to host, port: 127.0.0.1, 9; timeout 10000"), ({"to": "a b"}, "Invalid address")],
    )
    def test_failures(self, tmp_path: Path, more: dict[str, str], problem: str) -> None:
        found = failure(task(tmp_path, "mail", self.settings(9, **more)))
        assert (found.error_message, found.hint) == ("Sending notification failed (notification)", problem)


class TestShell:
    def test_a_command_reads_the_notification(self, tmp_path: Path) -> None:
        file = tmp_path / "got"
        asyncio.run(task(tmp_path, "shell", {"command": f"echo noise; cat > {file}"}).run())
        assert json.loads(file.read_text())["message"] == 'hello "you"'

    def test_it_need_not_read_it(self, tmp_path: Path) -> None:
        given = task(tmp_path, "shell", {"command": "exec <&-; exit 0"})
        given.context.config["_command"] = "x" * 1_000_000
        asyncio.run(given.run())

    @pytest.mark.parametrize(("command", "code"), [("exit 3", 3), ("kill -9 $$", 137)])
    def test_exit_codes(self, tmp_path: Path, command: str, code: int) -> None:
        found = failure(task(tmp_path, "shell", {"command": command}))
        assert found.error_message == "Sending notification failed (notification)"
        assert found.hint == f"Notification shell command failed: {command}, exit code = {code}"

    def test_a_command_that_takes_too_long_is_killed(self, tmp_path: Path) -> None:
        found = failure(task(tmp_path, "shell", {"command": "sleep 600", "timeout": "50"}))
        assert found.hint == "Notification shell command timed out: sleep 600"

    def test_there_must_be_one(self, tmp_path: Path) -> None:
        found = failure(task(tmp_path, "shell", {}))
        assert found.error_message == "Parameter 'notification.shell.command' is required but not set (config)"

    async def test_cancelling_kills_it_and_its_children(self, tmp_path: Path) -> None:
        pipe = tmp_path / "alive"
        os.mkfifo(pipe)
        given = task(tmp_path, "shell", {"command": f"exec 3> {pipe}; echo up >&3; sleep 600"})
        running = asyncio.create_task(given.run())
        with await asyncio.to_thread(pipe.open, "rb") as stream:
            assert await asyncio.to_thread(stream.readline) == b"up\n"
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            assert await asyncio.to_thread(stream.read) == b""


def test_a_failed_workflow_is_told(tmp_path: Path) -> None:
    (tmp_path / "main.dig").write_text("+a:\n  fail>: oh\n")
    (tmp_path / "config").write_text("notification.type = shell\nnotification.shell.command = cat > told\n")
    run_command = [sys.executable, "-m", "digdag_tui", "run", "main.dig"]
    environment = {**os.environ, "DIGDAG_CONFIG_HOME": str(tmp_path)}
    subprocess.run(run_command, cwd=tmp_path, env=environment, capture_output=True, timeout=120, check=False)
    told = json.loads((tmp_path / "told").read_text())
    assert (told["message"], told["task_name"]) == ("Workflow session attempt failed", "+main^failure-alert")
    assert told["workflow_name"] == "main"
