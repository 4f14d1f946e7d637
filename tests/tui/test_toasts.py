"""Notices in the corner, and the moment in which their time ends."""

from __future__ import annotations

from pathlib import Path

from textual.notifications import Notify

from digdag_tui.tui.toasts import LEAST, Toast

from .support import opened


class Late(Toast):
    """A notice whose time ends just after Textual has looked whether it has."""

    @property
    def has_expired(self) -> bool:
        return False


def test_the_end_of_a_notice() -> None:
    assert not Toast("a").has_expired
    assert Toast("a", timeout=8).time_left > 7
    over = Toast("a", timeout=-1)
    assert over.has_expired
    assert over.time_left == LEAST


async def test_a_notice_that_ends_while_it_is_put_up_does_not_stop_the_screen(tmp_path: Path) -> None:
    async with opened(tmp_path, "+a: {echo>: a}\n") as screen:
        await screen.stops("before +main+a")
        screen.app.post_message(Notify(Late("too late", timeout=-1)))
        await screen.press("n")
        await screen.stops("finished: success")


async def test_notices_of_widgets_are_of_that_kind(tmp_path: Path) -> None:
    async with opened(tmp_path, "+a: {echo>: a}\n") as screen:
        screen.app.main.notify("from a widget")
        await screen.says("from a widget")
        assert all(isinstance(notice, Toast) for notice in screen.app._notifications)
