"""`.digdagignore`: files of a project that are not part of it, in the syntax of `.gitignore`."""

from __future__ import annotations

import re
from pathlib import Path

from .sources import read_source


class Ignore:
    """Says which paths of a project are left out: dot-files, and what `.digdagignore` names."""

    def __init__(self, text: str = "") -> None:
        self.rules = [rule for line in text.splitlines() if (rule := _rule(line))]

    @staticmethod
    def of(directory: Path) -> Ignore:
        """The rules of a project directory.

        Raises:
            FileError: `.digdagignore` cannot be read.
        """
        path = directory / ".digdagignore"
        return Ignore(read_source(path, path.name)) if path.exists() else Ignore()

    def ignores(self, path: str, is_directory: bool = False) -> bool:
        """Whether `path`, relative to the project and with `/`, or a directory above it is left out."""
        parts = path.split("/")
        return any(
            self._matches("/".join(parts[:end]), is_directory or end < len(parts)) for end in range(1, len(parts) + 1)
        )

    def _matches(self, path: str, is_directory: bool) -> bool:
        if path.rsplit("/", 1)[-1].startswith("."):
            return True
        for pattern, ignored, directories_only in reversed(self.rules):
            if (is_directory or not directories_only) and pattern.fullmatch(path):
                return ignored
        return False


def _rule(line: str) -> tuple[re.Pattern[str], bool, bool] | None:
    """A line's pattern, whether it ignores or takes back, and whether it names directories only."""
    line = re.sub(r"(?<!\\)\s+$", "", line)
    ignored = not line.startswith("!")
    line = line.removeprefix("!")
    directories_only = line.endswith("/")
    line = line.rstrip("/") if directories_only else line
    if not line or line.startswith("#"):
        return None
    anchor = "" if "/" in line else r"(?:.*/)?"
    try:
        return re.compile(anchor + _regex(line.removeprefix("/"))), ignored, directories_only
    except re.error:
        return None


def _regex(glob: str) -> str:
    tokens = re.compile(r"(?P<deep>(?:^|(?<=/))\*\*/)|(?P<rest>/\*\*$)|\*+|\?|\[!?\]?[^\]]*\]|\\?.", re.DOTALL)
    return "".join(_token(found) for found in tokens.finditer(glob))


def _token(found: re.Match[str]) -> str:
    text = found[0]
    if found["deep"]:
        return "(?:.*/)?"
    if found["rest"]:
        return "/.*"
    if text[0] == "*":
        return "[^/]*"
    if text == "?":
        return "[^/]"
    if text[0] == "[" and len(text) > 1:
        inside = re.sub(r"[\\\[&|~]", r"\\\g<0>", text[1:-1])
        return f"[^{inside[1:]}]" if inside.startswith("!") else f"[{inside}]"
    return re.escape(text[-1])
