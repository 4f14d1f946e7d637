from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digdag_tui.params.secrets import (
    LocalSecrets,
    Masker,
    SecretFiles,
    is_file_name,
    is_secret_key,
    is_secret_value,
)
from digdag_tui.workflow.errors import TaskRuntimeError


def masker(*values: str) -> Masker:
    found = Masker()
    for value in values:
        found.add(value)
    return found


def streamed(mask: Masker, *chunks: str) -> list[str]:
    pieces: list[str] = []
    stream = mask.stream(pieces.append)
    for chunk in chunks:
        stream.write(chunk)
    stream.close()
    return pieces


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "secrets").mkdir()
    return tmp_path


def test_the_configuration_comes_before_files(home: Path) -> None:
    (home / "secrets" / "mysql.password").write_text("from file")
    (home / "secrets" / "api.key").write_text("from file\n")
    secrets = LocalSecrets({"secrets.mysql.password": "configured", "params.api.key": "param"}, home)
    assert secrets.get("mysql.password") == "configured"
    assert secrets.get("api.key") == "from file\n"
    assert secrets.get("none") is None


def test_values_are_kept_as_they_are(home: Path) -> None:
    (home / "secrets" / "key").write_bytes("\r\n é日 \n".encode() + b"\xff")
    assert LocalSecrets({"secrets.other": " x "}, home).get("key") == "\r\n é日 \n\ufffd"
    assert LocalSecrets({"secrets.other": " x "}, home).get("other") == " x "


def test_no_directory_is_no_secrets(tmp_path: Path) -> None:
    assert LocalSecrets({}, tmp_path / "none").get("key") is None


def test_files_are_read_when_they_are_asked_for(home: Path) -> None:
    secrets = LocalSecrets({}, home)
    assert secrets.get("key") is None
    (home / "secrets" / "key").write_text("hunter2")
    assert secrets.masker.mask("hunter2") == "hunter2"
    assert secrets.get("key") == "hunter2"
    assert secrets.masker.mask("hunter2") == "***"


@pytest.mark.parametrize("key", ["", ".", "..", "../config", "/etc/passwd", "a/b", "..\\config", "a\0b"])
def test_keys_name_no_file_outside(home: Path, key: str) -> None:
    (home / "config").write_text("secrets.a=1")
    (home / "secrets" / "a").mkdir()
    (home / "secrets" / "a" / "b").write_text("nested")
    assert not is_file_name(key)
    assert LocalSecrets({}, home).get(key) is None


@pytest.mark.parametrize("key", ["a", "aws.s3.access_key_id", "a-b", "..a", "é", "a b"])
def test_other_keys_may_name_a_file(home: Path, key: str) -> None:
    (home / "secrets" / key).write_text("value")
    assert LocalSecrets({}, home).get(key) == "value"


@pytest.mark.parametrize("key", ["a", "Z", "a1", "a-1", "a_b", "a.b", "aws.s3.access_key_id", "a" * 255, "a1.b2.c3"])
def test_keys_that_digdag_takes(key: str) -> None:
    assert is_secret_key(key)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "1",
        "1a",
        "a-",
        "a_",
        "-a",
        "_a",
        ".",
        ".a",
        "a.",
        "a..b",
        "a.1",
        "a b",
        "a/b",
        "a:b",
        "\u00e9",
        "a\n",
        "a" * 256,
    ],
)
def test_keys_that_digdag_refuses(key: str) -> None:
    assert not is_secret_key(key)


def test_how_long_a_value_may_be() -> None:
    assert is_secret_value("") and is_secret_value("x" * 16384) and is_secret_value("\u00e9" * 8192)
    assert not is_secret_value("x" * 16385) and not is_secret_value("\u00e9" * 8192 + "x")


@given(
    st.from_regex(r"[a-zA-Z][a-zA-Z0-9_.-]{0,20}", fullmatch=True), st.text(st.characters(codec="utf-8"), max_size=50)
)
def test_what_was_written_is_read(tmp_path_factory: pytest.TempPathFactory, key: str, value: str) -> None:
    home = tmp_path_factory.mktemp("home")
    if is_secret_key(key):
        files = SecretFiles(home)
        files.write(key, value)
        assert LocalSecrets({}, home).get(key) == value
        assert files.stored_keys() == [key]
        files.delete(key)
        assert LocalSecrets({}, home).get(key) is None


def test_a_directory_in_place_of_a_secret(home: Path) -> None:
    (home / "secrets" / "key").mkdir()
    with pytest.raises(TaskRuntimeError, match="Secret 'key' cannot be read: Is a directory"):
        LocalSecrets({}, home).get("key")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_secret_that_may_not_be_read_fails_who_asks_for_it(home: Path) -> None:
    (home / "secrets" / "key").write_text("value")
    (home / "secrets" / "key").chmod(0)
    secrets = LocalSecrets({}, home)
    with pytest.raises(TaskRuntimeError, match="Secret 'key' cannot be read: Permission denied"):
        secrets.get("key")


def test_all_secrets_are_masked_before_anyone_asks_for_them(home: Path) -> None:
    (home / "secrets" / "key").write_text("from-a-file\n")
    mask = LocalSecrets({"secrets.a": "configured", "params.b": "parameter"}, home).masker
    assert mask.mask("configured from-a-file parameter") == "*** *** parameter"


@pytest.mark.parametrize(
    ("values", "text", "expected"),
    [
        ([], "text", "text"),
        (["hunter2"], "", ""),
        (["hunter2"], "pw=hunter2;hunter2", "pw=***;***"),
        (["hunter2"], "hunter", "hunter"),
        (["hunter2\n"], "hunter2", "***"),
        (["first line\nsecond line\n"], "x second line first line", "x *** ***"),
        (["abc"], "abc is too short", "abc is too short"),
        (["a\nb\nc\n"], "a b c", "a b c"),
        (["secret", "secretary"], "a secretary's secret", "a ***'s ***"),
        (["abcdef", "defghi"], "abcdefghi", "***"),
        (["abab"], "xababab", "x***"),
        (["abcd"], "abcdabcd", "******"),
        (['pa"ss\\word'], 'pa"ss\\word {"p": "pa\\"ss\\\\word"}', '*** {"p": "***"}'),
        (["a.*b"], "axxb a.*b", "axxb ***"),
    ],
)
def test_masking(values: list[str], text: str, expected: str) -> None:
    assert masker(*values).mask(text) == expected


@pytest.mark.parametrize(
    ("values", "chunks", "pieces"),
    [
        ([], ["a", "b"], ["a", "b"]),
        (["hunter2"], ["pw=hun", "ter2\n"], ["pw=", "***\n"]),
        (["hunter2"], ["pw=hun", "dred\n"], ["pw=", "hundred\n"]),
        (["hunter2"], ["pw=hunter2"], ["pw=***"]),
        (["hunter2"], ["pw=hunter"], ["pw=", "hunter"]),
        (["hunter2"], list("hunter2!"), ["***", "!"]),
        (["secret", "secretary"], ["secret", "ary"], ["***"]),
        (["secret", "secretary"], ["secret"], ["***"]),
        (["secret", "secretary"], ["secret", " x"], ["*** x"]),
        (["abcdef", "defghi"], ["abcdef", "ghi"], ["***"]),
        (["abcdef", "defghi"], ["abcdef", "ghx"], ["***ghx"]),
    ],
)
def test_streams(values: list[str], chunks: list[str], pieces: list[str]) -> None:
    assert streamed(masker(*values), *chunks) == pieces


def test_text_without_a_secret_passes_at_once() -> None:
    pieces: list[str] = []
    stream = masker("hunter2").stream(pieces.append)
    stream.write("a line\n")
    assert pieces == ["a line\n"]


SECRETS = st.lists(st.text(alphabet="abc", min_size=4, max_size=7), max_size=4)
CHUNKS = st.lists(st.text(alphabet="abc\n", max_size=12), max_size=8)


@given(SECRETS, CHUNKS)
def test_no_secret_gets_through(secrets: list[str], chunks: list[str]) -> None:
    mask = masker(*secrets)
    text, stream = "".join(chunks), "".join(streamed(mask, *chunks))
    for shown in (mask.mask(text), stream):
        assert not any(secret in shown for secret in secrets)


@given(SECRETS, CHUNKS)
def test_a_stream_shows_what_one_piece_would(secrets: list[str], chunks: list[str]) -> None:
    mask = masker(*secrets)
    assert "".join(streamed(mask, *chunks)) == mask.mask("".join(chunks))


@given(SECRETS, CHUNKS)
def test_text_without_secrets_stays(secrets: list[str], chunks: list[str]) -> None:
    text = "".join(chunks)
    if not any(secret in text for secret in secrets):
        assert "".join(streamed(masker(*secrets), *chunks)) == text
