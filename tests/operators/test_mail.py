from __future__ import annotations

import asyncio
import ssl
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from digdag_tui.engine.journal import encode
from digdag_tui.operators import smtp_client
from digdag_tui.operators.mail_message import Address, parse_address
from digdag_tui.params.evaluate import Evaluator
from digdag_tui.workflow.errors import ConfigError, DigdagError

from .http_server import certificate, tls
from .smtp_server import REFUSED, Mailbox, Script, receiving
from .support import Call, call, error, message, run

DATA = {"data": "hello"}


def task(project: Path, port: int, command: Any = DATA, /, options: dict[str, Any] | None = None, **more: Any) -> Call:
    """A task that sends a mail to a port of this machine."""
    usual = {"subject": "s", "from": "a@example.com", "to": ["b@example.com"], "host": "127.0.0.1", "port": port}
    given = call(project, "mail", command, {**usual, **(options or {})}, **more)
    given.context.evaluate = Evaluator().text
    return given


def sent(project: Path, command: Any = DATA, /, options: dict[str, Any] | None = None, **more: Any) -> Mailbox:
    """What a server gets of a mail."""
    with receiving() as mailbox:
        asyncio.run(task(project, mailbox.port, command, options, **more).run())
    return mailbox


def failure(given: Call) -> DigdagError:
    """Why a task fails."""
    with pytest.raises(DigdagError) as caught:
        asyncio.run(given.run())
    encode([caught.value.log_message, caught.value.hint, given.log])
    assert "\x1b" not in caught.value.log_message
    return caught.value


class TestMessage:
    def test_what_is_sent(self, tmp_path: Path) -> None:
        mailbox = sent(tmp_path, DATA, {"cc": ["c@example.com"], "bcc": ["d@example.com", "b@example.com"]})
        envelope, mail = mailbox.envelope, mailbox.message
        assert envelope.mail_from == "a@example.com"
        assert envelope.rcpt_tos == ["b@example.com", "c@example.com", "d@example.com"]
        assert (mail["From"], mail["Sender"], mail["To"]) == ("a@example.com", "a@example.com", "b@example.com")
        assert (mail["Cc"], mail["Bcc"], mail["Subject"]) == ("c@example.com", None, "s")
        assert (mail.get_content_type(), mail.get_content_charset()) == ("text/plain", "utf-8")
        assert mailbox.text == "hello\n"
        assert mail["Message-ID"] and mail["Date"] and mail["MIME-Version"] == "1.0"

    def test_html(self, tmp_path: Path) -> None:
        mail = sent(tmp_path, DATA, {"html": "true"}).message
        assert (mail.get_content_type(), mail.get_content_charset()) == ("text/html", "utf-8")

    @pytest.mark.parametrize(
        "body",
        [
            "",
            "\u65e5\u672c\n\n",
            ".\n..\n.x\n",
            "x" * 5000,
            "a\r\nb\n",
            "\x00\x1b[2J",
            "a\rb",
            "\U0001f600" * 999,
            "From x",
        ],
    )
    def test_bodies_arrive_as_they_are(self, tmp_path: Path, body: str) -> None:
        text = sent(tmp_path, {"data": body}).text
        assert text.removesuffix("\n") == body.replace("\r\n", "\n").removesuffix("\n")

    @pytest.mark.parametrize("subject", ["plain", "\u65e5\u672c" * 40, "x" * 300, "tab\there", "caf\xe9 \U0001f600"])
    def test_subjects(self, tmp_path: Path, subject: str) -> None:
        assert sent(tmp_path, DATA, {"subject": subject}).message["Subject"] == subject

    def test_nothing_gets_out_of_a_header(self, tmp_path: Path) -> None:
        mail = sent(
            tmp_path, DATA, {"subject": "s\r\nX-Evil: 1\n\nbody\n", "from": "a\nX-Evil: 2 <a@example.com>"}
        ).message
        assert mail["X-Evil"] is None
        assert mail["Subject"] == "s X-Evil: 1  body"

    def test_names(self, tmp_path: Path) -> None:
        options = {
            "from": '"Big, \\"A\\"" <a@example.com>',
            "to": ["\u65e5\u672c <b@example.com>", "c@example.com (C)"],
        }
        mailbox = sent(tmp_path, DATA, options)
        people = [(person.display_name, person.addr_spec) for person in mailbox.message["To"].addresses]
        assert people == [("\u65e5\u672c", "b@example.com"), ("C", "c@example.com")]
        assert mailbox.message["From"].addresses[0].display_name == 'Big, "A"'
        assert mailbox.envelope.rcpt_tos == ["b@example.com", "c@example.com"]

    def test_attachments(self, tmp_path: Path) -> None:
        (tmp_path / "dir").mkdir()
        (tmp_path / "dir" / "a.csv").write_bytes(b"1,2\r\n")
        (tmp_path / "b.bin").write_bytes(bytes(range(256)) * 100)
        files = [
            {"path": "dir/a.csv", "content_type": "text/csv; charset=utf-8"},
            {"path": "b.bin"},
            {"path": "b.bin", "filename": "\u65e5\u672c.bin"},
        ]
        mail = sent(tmp_path, DATA, {"attach_files": files}).message
        assert mail.get_content_type() == "multipart/mixed"
        text, csv, *binaries = mail.iter_parts()
        assert isinstance(text, EmailMessage)
        assert text.get_content() == "hello"
        assert (csv.get_filename(), csv.get_content_type(), csv.get_content_charset()) == (
            "/a.csv",
            "text/csv",
            "utf-8",
        )
        assert csv.get_payload(decode=True) == b"1,2\r\n"
        assert [part.get_filename() for part in binaries] == ["b.bin", "\u65e5\u672c.bin"]
        assert {part.get_content_type() for part in binaries} == {"application/octet-stream"}
        assert {part.get_content_disposition() for part in binaries} == {"attachment"}
        assert binaries[0].get_payload(decode=True) == bytes(range(256)) * 100

    def test_half_characters_are_question_marks(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"1")
        half = "a\ud800b"
        files = [{"path": "a", "filename": half, "content_type": f"text/{half}"}]
        options = {"subject": half, "from": f"{half} <a@example.com>", "attach_files": files}
        mail = sent(tmp_path, {"data": half}, options).message
        assert (mail["Subject"], mail["From"].addresses[0].display_name) == ("a?b", "a?b")
        text, attached = mail.iter_parts()
        assert isinstance(text, EmailMessage)
        assert text.get_content() == "a?b"
        assert attached.get_filename() == "a?b"


class TestBody:
    def test_a_file_of_the_workspace(self, tmp_path: Path) -> None:
        (tmp_path / "sub").mkdir()
        (tmp_path / "sub" / "body.txt").write_text("of ${name} \u65e5\n")
        mailbox = sent(tmp_path, "body.txt", {"_workdir": "sub", "mail": {"name": "scope"}})
        assert mailbox.text == "of scope \u65e5\n"

    def test_body_without_a_command(self, tmp_path: Path) -> None:
        with receiving() as mailbox:
            given = task(tmp_path, mailbox.port, None, {"body": "text ${x}"})
            asyncio.run(given.run())
        assert mailbox.text == "text ${x}\n"

    @pytest.mark.parametrize(
        ("command", "problem"),
        [
            (None, "Parameter 'body' is required but not set"),
            ({}, "Parameter 'data' is required but not set"),
            ([1], "Expected string type for key '_command' but got [1] (array)"),
            ("no.txt", "File not found: P/no.txt"),
            (".", "Failed to read file: .: class java.io.IOException"),
            ("bad.txt", "Failed to read file: bad.txt: class java.nio.charset.MalformedInputException"),
            ("../x", "File name must not be outside of project path (P): ../x: ../x"),
            ("t.txt", "Failed to evaluate a variable ${nam} (ReferenceError: nam is not defined) in t.txt"),
        ],
    )
    def test_none(self, tmp_path: Path, command: Any, problem: str) -> None:
        (tmp_path / "bad.txt").write_bytes(b"\xff")
        (tmp_path / "t.txt").write_text("${nam}")
        found = failure(task(tmp_path, 9, command, {"name": 1}))
        assert found.error_message.replace(str(tmp_path), "P") == f"{problem} (config)"
        if command == "t.txt":
            assert found.hint == "did you mean name?"

    def test_the_rendered_body_is_kept(self, tmp_path: Path) -> None:
        kept: dict[str, str] = {}
        (tmp_path / "body.txt").write_text("port ${port}")
        given = task(tmp_path, 9, "body.txt", artifact=kept.__setitem__)
        failure(given)
        assert kept == {"body": "port 9"}


class TestOptions:
    @pytest.mark.parametrize("missing", ["subject", "to", "from"])
    def test_required_ones(self, tmp_path: Path, missing: str) -> None:
        given = task(tmp_path, 9)
        del given.context.config[missing]
        assert failure(given).error_message == f"Parameter '{missing}' is required but not set (config)"

    def test_they_are_checked_in_order(self, tmp_path: Path) -> None:
        assert "body" in message(tmp_path, "mail")
        assert "subject" in message(tmp_path, "mail", DATA)
        assert "'to'" in message(tmp_path, "mail", DATA, {"subject": "s", "cc": "x"})
        assert "'cc'" in message(tmp_path, "mail", DATA, {"subject": "s", "to": "x y", "cc": "x"})
        assert message(tmp_path, "mail", DATA, {"subject": "s", "to": "x y"}) == "Missing SMTP configuration"
        options = {"subject": "s", "to": "x y", "host": "h", "port": 1}
        assert "'from'" in message(tmp_path, "mail", DATA, options)
        assert message(tmp_path, "mail", DATA, {**options, "from": "f"}) == "Invalid address (config)"

    def test_one_receiver_may_be_a_text(self, tmp_path: Path) -> None:
        assert sent(tmp_path, DATA, {"to": "one@example.com"}).envelope.rcpt_tos == ["one@example.com"]

    @pytest.mark.parametrize("key", ["cc", "bcc"])
    def test_others_may_not(self, tmp_path: Path, key: str) -> None:
        found = failure(task(tmp_path, 9, DATA, {key: "c@example.com"}))
        assert found.error_message == f"Expected array type for key '{key}' but got \"c@example.com\" (string) (config)"

    def test_nobody_at_all(self, tmp_path: Path) -> None:
        assert failure(task(tmp_path, 9, DATA, {"to": []})).error_message == "No recipient addresses (send failed)"

    def test_defaults_of_the_configuration(self, tmp_path: Path) -> None:
        settings = {"config.mail.subject": "theirs", "config.mail.from": "they@example.com"}
        mail = sent(tmp_path, DATA, {"subject": None, "from": None}, settings=settings).message
        assert (mail["Subject"], mail["From"]) == ("theirs", "they@example.com")
        mail = sent(tmp_path, settings=settings).message
        assert (mail["Subject"], mail["From"]) == ("s", "a@example.com")

    def test_the_scope_mail(self, tmp_path: Path) -> None:
        with receiving() as mailbox:
            scope = {"from": "f@example.com", "host": "127.0.0.1", "port": mailbox.port, "subject": "scope"}
            run(tmp_path, "mail", DATA, {"subject": "own", "to": "t@example.com"}, params={"mail": scope})
        assert (mailbox.message["From"], mailbox.message["Subject"]) == ("f@example.com", "own")

    @pytest.mark.parametrize(
        ("option", "value"),
        [
            ("html", "x"), ("tls", 1.5), ("ssl", "x"), ("debug", []), ("port", "x"), ("host", []), ("subject", {}),
            ("attach_files", "x"), ("attach_files", ["x"]), ("attach_files", [{"path": []}]), ("mail", "x"),
        ],
    )  # fmt: skip
    def test_options_of_the_wrong_kind(self, tmp_path: Path, option: str, value: Any) -> None:
        assert failure(task(tmp_path, 9, DATA, {option: value})).kind == "config"

    def test_files_outside_of_the_project(self, tmp_path: Path) -> None:
        found = failure(task(tmp_path, 9, DATA, {"attach_files": [{"path": "../x"}]}))
        assert found.error_message.endswith(": ../x (illegal argument)")

    def test_a_file_that_is_missing(self, tmp_path: Path) -> None:
        with receiving() as mailbox:
            found = failure(task(tmp_path, mailbox.port, DATA, {"attach_files": [{"path": "no"}]}))
        assert found.error_message == "IOException while sending message (messaging)"
        assert found.log_message.endswith(f"\n> {tmp_path}/no (No such file or directory) (file not found)")
        assert mailbox.envelopes == []


class TestServer:
    def test_there_must_be_one(self, tmp_path: Path) -> None:
        found = error(tmp_path, "mail", DATA, {"subject": "s", "to": "t", "from": "f", "port": 1})
        assert found.error_message == "Missing SMTP configuration"
        assert found.hint

    def test_the_configurations(self, tmp_path: Path) -> None:
        with receiving(auth_require_tls=False) as mailbox:
            settings = {
                "config.mail.host": "127.0.0.1", "config.mail.port": str(mailbox.port),
                "config.mail.username": "u", "config.mail.password": "right",
            }  # fmt: skip
            options = {"host": None, "port": None, "username": "own"}
            asyncio.run(task(tmp_path, 0, DATA, options, settings=settings, secrets={"mail.password": "own"}).run())
        assert mailbox.logins == [("LOGIN", "u", "right")]
        assert mailbox.envelope

    def test_it_is_taken_whole_or_not_at_all(self, tmp_path: Path) -> None:
        settings = {"config.mail.host": "127.0.0.1", "config.mail.port": "9", "config.mail.username": "u"}
        with receiving(auth_require_tls=False) as mailbox:
            asyncio.run(task(tmp_path, mailbox.port, settings=settings).run())
        assert mailbox.logins == []

    def test_the_configuration_needs_a_port(self, tmp_path: Path) -> None:
        found = failure(task(tmp_path, 0, DATA, {"host": None}, settings={"config.mail.host": "h"}))
        assert found.error_message == "Parameter 'config.mail.port' is required but not set (config)"

    def test_secrets_come_first(self, tmp_path: Path) -> None:
        with receiving(auth_require_tls=False) as mailbox:
            secrets = {"mail.host": "127.0.0.1", "mail.port": str(mailbox.port), "mail.tls": "FALSE", "mail.ssl": "no"}
            secrets |= {"mail.username": "u", "mail.password": "right"}
            options = {"host": "no.such.host.invalid", "ssl": True, "username": "own", "password": "wrong"}
            given = task(tmp_path, 9, DATA, options, secrets=secrets)
            asyncio.run(given.run())
        assert mailbox.logins == [("LOGIN", "u", "right")]
        logger = "io.digdag.standards.operator.MailOperatorFactory"
        assert given.log == [("WARN", logger, "Unsecure 'password' parameter is deprecated.")]

    def test_the_param_port_must_exist_all_the_same(self, tmp_path: Path) -> None:
        found = failure(task(tmp_path, 0, DATA, {"port": None}, secrets={"mail.port": "25"}))
        assert found.error_message == "Parameter 'port' is required but null (config)"

    def test_a_secret_port_that_is_none(self, tmp_path: Path) -> None:
        found = failure(task(tmp_path, 9, secrets={"mail.port": "25\n"}))
        assert found.error_message == 'For input string: "25\n" (number format)'

    def test_a_dead_port(self, tmp_path: Path) -> None:
        found = failure(task(tmp_path, 9))
        assert found.error_message == "Couldn't connect to host, port: 127.0.0.1, 9; timeout 10000 (mail connect)"
        assert found.log_message.endswith("\n> Connection refused (connect)")

    @pytest.mark.parametrize("host", ["no.such.host.invalid", "", "a" * 300, "a b", "\u65e5\u672c\x1b[2J"])
    def test_unknown_hosts(self, tmp_path: Path, host: str) -> None:
        found = failure(task(tmp_path, 9, DATA, {"host": host}))
        assert found.error_message.startswith("Couldn't connect to host, port: ")
        assert found.kind == "mail connect"

    @pytest.mark.parametrize("port", [70000, -1])
    def test_ports_that_are_none(self, tmp_path: Path, port: int) -> None:
        assert failure(task(tmp_path, port)).kind == "mail connect"


class TestTls:
    @pytest.fixture(scope="class")
    def pem(self, tmp_path_factory: pytest.TempPathFactory) -> Path:
        return certificate(tmp_path_factory.mktemp("tls"))

    @pytest.fixture
    def trusted(self, pem: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
        return tls(pem)

    def test_starttls_when_the_server_offers_it(self, tmp_path: Path, trusted: ssl.SSLContext) -> None:
        with receiving(tls_context=trusted) as mailbox:
            secrets = {"mail.password": "right"}
            asyncio.run(task(tmp_path, mailbox.port, DATA, {"username": "u"}, secrets=secrets).run())
        assert mailbox.secure == [True]
        assert mailbox.logins == [("LOGIN", "u", "right")]

    def test_not_when_switched_off(self, tmp_path: Path, trusted: ssl.SSLContext) -> None:
        with receiving(tls_context=trusted) as mailbox:
            asyncio.run(task(tmp_path, mailbox.port, DATA, {"tls": False}).run())
        assert mailbox.secure == [False]

    def test_tls_from_the_start(self, tmp_path: Path, trusted: ssl.SSLContext) -> None:
        with receiving(ssl_context=trusted) as mailbox:
            asyncio.run(task(tmp_path, mailbox.port, DATA, {"ssl": True}).run())
        assert mailbox.envelope.rcpt_tos == ["b@example.com"]

    @pytest.mark.parametrize(
        ("options", "problem"),
        [
            ({"ssl": True}, "Could not connect to SMTP host: 127.0.0.1, port: {} (messaging)"),
            ({}, "Could not convert socket to TLS (messaging)"),
        ],
    )
    def test_certificates_that_nobody_knows(
        self, tmp_path: Path, pem: Path, options: dict[str, Any], problem: str
    ) -> None:
        with receiving(**{"ssl_context" if options else "tls_context": tls(pem)}) as mailbox:
            found = failure(task(tmp_path, mailbox.port, DATA, options))
        assert found.error_message == problem.format(mailbox.port)
        assert "\n> PKIX path building failed: " in found.log_message
        assert found.log_message.endswith("handshake)")

    def test_a_server_without_tls(self, tmp_path: Path) -> None:
        with Script(b"220 hello\r\n") as server:
            found = failure(task(tmp_path, server.port, DATA, {"ssl": True}))
        assert found.message == f"Could not connect to SMTP host: 127.0.0.1, port: {server.port}"


class TestLogin:
    @pytest.mark.parametrize(("excluded", "mechanism"), [([], "LOGIN"), (["LOGIN"], "PLAIN")])
    def test_mechanisms(self, tmp_path: Path, excluded: list[str], mechanism: str) -> None:
        with receiving(auth_require_tls=False, auth_exclude_mechanism=excluded) as mailbox:
            options, secrets = {"username": "\xfcser"}, {"mail.password": "right"}
            asyncio.run(task(tmp_path, mailbox.port, DATA, options, secrets=secrets).run())
        assert mailbox.logins == [(mechanism, "\xfcser", "right")]

    def test_a_wrong_password(self, tmp_path: Path) -> None:
        with receiving(auth_require_tls=False) as mailbox:
            found = failure(task(tmp_path, mailbox.port, DATA, {"username": "u"}, secrets={"mail.password": "no"}))
        assert found.error_message.startswith("535 5.7.8 ")
        assert found.error_message.endswith("\n (authentication failed)")

    def test_a_server_that_asks_for_none_gets_none(self, tmp_path: Path) -> None:
        assert sent(tmp_path, DATA, {"username": "u"}).logins == []

    def test_no_mechanism_in_common(self, tmp_path: Path) -> None:
        with Script(b"220 hi\r\n", b"250-hi\r\n250 AUTH GSSAPI\r\n", waits=True) as server:
            found = failure(task(tmp_path, server.port, DATA, {"username": "u"}))
        problem = "No authentication mechanisms supported by both server and client (authentication failed)"
        assert found.error_message == problem

    def test_a_password_is_never_traced(self, tmp_path: Path) -> None:
        with receiving(auth_require_tls=False) as mailbox:
            secrets = {"mail.password": "right"}
            given = task(tmp_path, mailbox.port, DATA, {"username": "u", "debug": True}, secrets=secrets)
            asyncio.run(given.run())
        lines = given.lines
        assert any(line.startswith("DEBUG SMTP: MAIL FROM:<a@example.com>") for line in lines)
        assert "DEBUG SMTP: (a secret)" in lines
        assert not any("cmlnaHQ" in line for line in lines)


HELLO = b"220 hello\r\n", b"250 hello\r\n"
TAKEN = (*HELLO, b"250 ok\r\n", b"250 ok\r\n")


class TestAnswers:
    def test_refused_receivers(self, tmp_path: Path) -> None:
        with receiving() as mailbox:
            found = failure(task(tmp_path, mailbox.port, DATA, {"to": ["b@example.com", REFUSED]}))
        assert found.error_message == "Invalid Addresses (send failed)"
        assert found.log_message.endswith("\n> 550 5.1.1 no such user\ufffd[2J\n (smtp address failed)")
        assert mailbox.envelopes == []

    @pytest.mark.parametrize(
        ("words", "problem"),
        [
            ((), "Could not connect to SMTP host: 127.0.0.1, port: {}, response: -1 (messaging)"),
            ((b"554 no\r\n",), "Could not connect to SMTP host: 127.0.0.1, port: {}, response: 554 (messaging)"),
            ((b"SSH-2.0\r\n",), "Could not connect to SMTP host: 127.0.0.1, port: {}, response: -1 (messaging)"),
            ((b"220 hi\r\n", b"500 what\r\n", b"500 what?\r\n"), "500 what?\n (messaging)"),
            ((*HELLO, b"530 log in\r\n"), "530 log in\n (smtp send failed)"),
            ((*HELLO, b"250 ok\r\n", b"354 what\r\n"), "354 what\n (smtp address failed)"),
            ((*TAKEN, b"554-no\r\n554 never\r\n"), "554-no\n554 never\n (smtp send failed)"),
            ((*TAKEN, b"354 go\r\n", b"552 full\r\n"), "552 full\n (smtp send failed)"),
            ((*HELLO,), "[EOF] (smtp send failed)"),
            ((*HELLO, b"250-"), "250-\n (smtp send failed)"),
            ((*HELLO, b"250 ok\r\n"), "[EOF] (smtp address failed)"),
            ((*TAKEN,), "[EOF] (smtp send failed)"),
            ((*HELLO, b"\x1b[2J\x00\xff\r\n"), "\ufffd[2J\ufffd\ufffd\n (smtp send failed)"),
            ((*HELLO, b"250-" + b"x" * 100_000), "Exception reading response (messaging)"),
            ((*HELLO, b"250-x\r\n" * 200_000), "Exception reading response (messaging)"),
        ],
        ids=range(15),
    )
    def test_servers_that_do_not_play(self, tmp_path: Path, words: tuple[bytes, ...], problem: str) -> None:
        with Script(*words) as server:
            found = failure(task(tmp_path, server.port))
        assert found.error_message == problem.format(server.port)

    def test_a_server_that_knows_only_the_old_greeting(self, tmp_path: Path) -> None:
        taken = (b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n", b"250 ok\r\n", b"221 bye\r\n")
        with Script(b"220 hi\r\n", b"500 what\r\n", b"250 hi\r\n", *taken) as server:
            asyncio.run(task(tmp_path, server.port).run())
        assert [words.split()[0] for words in server.heard[:5]] == [b"EHLO", b"HELO", b"MAIL", b"RCPT", b"DATA"]

    def test_a_server_that_says_nothing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(smtp_client, "READ_TIMEOUT", 0.1)
        with Script(b"220 hi\r\n", waits=True) as server:
            found = failure(task(tmp_path, server.port))
        assert found.error_message == "Exception reading response (messaging)"
        assert found.log_message.endswith("\n> Read timed out (socket timeout)")

    async def test_cancelling_ends_the_conversation(self, tmp_path: Path) -> None:
        with Script(b"220 hi\r\n", waits=True) as server:
            running = asyncio.create_task(task(tmp_path, server.port).run())
            await asyncio.to_thread(server.connected.wait, 20)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            assert await asyncio.to_thread(server.gone.wait, 20)


class TestAddresses:
    @pytest.mark.parametrize(
        ("text", "address", "name"),
        [
            ("a@b", "a@b", ""),
            (" a.b+c@d-e.f ", "a.b+c@d-e.f", ""),
            ("postmaster", "postmaster", ""),
            ("<a@b>", "a@b", ""),
            ("A  B <a@b>", "a@b", "A B"),
            ('"A, B" <a@b>', "a@b", "A, B"),
            ("a@b (the a)", "a@b", "the a"),
            ('"a b"@c', '"a b"@c', ""),
            ("a@[127.0.0.1]", "a@[127.0.0.1]", ""),
            ("a@b_c", None, "Domain contains illegal character"),
            ("", None, "Empty address"),
            ("@b", None, "Missing local name"),
            ("a@", None, "Missing domain"),
            ("a@.b", None, "Domain contains illegal character"),
            ("a b@c", None, "Local address contains control or whitespace"),
            (".a@b", None, "Local address starts with dot"),
            ("a..b@c", None, "Local address contains dot-dot"),
            ("a,b@c", None, "Local address contains illegal character"),
            ("a@b, c@d", None, "Domain contains illegal character"),
            ("a@b\r\nRCPT TO:c@d", None, "Domain contains illegal character"),
            ('"a\r\nb"@c', None, "Local address contains illegal character"),
            ("\u65e5@b", None, "Address contains characters beyond ASCII"),
            ("A <a@b", None, "Local address contains control or whitespace"),
        ],
    )
    def test_texts(self, text: str, address: str | None, name: str) -> None:
        if address is not None:
            assert parse_address(text) == Address(address, name)
            return
        with pytest.raises(ConfigError, match=r"^Invalid address$") as caught:
            parse_address(text)
        assert caught.value.log_message == f"Invalid address (config)\n> {name} (address)"
