"""The prompt in which expressions are evaluated."""

from __future__ import annotations

from pathlib import Path

from .support import Screen, opened

FLOW = """
_export: {amount: 21, name: Ada, db: {host: local, ports: [5432]}}
+a: {echo>: "${amount}"}
+g:
  +b: {echo>: "${amount}"}
"""


def expression(screen: Screen) -> str:
    return str(screen.app.screen.query_one("#expression").value)  # type: ignore[attr-defined]


async def test_an_expression_and_a_text_are_evaluated_in_the_tasks_scope(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        await screen.dialog("colon")
        await screen.type("amount * 2")
        await screen.press("enter")
        await screen.sees("= 42  number")
        assert expression(screen) == ""
        await screen.type("to ${name}")
        await screen.press("enter")
        await screen.sees('= "to Ada"  string')
        await screen.type("task_name")
        await screen.press("enter")
        await screen.sees('= "+main+a"  string')
        await screen.press("escape")
        assert screen.app.screen is screen.app.main


async def test_a_mistake_is_said_in_place_with_the_nearest_names_and_stays_to_be_corrected(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        await screen.dialog("colon")
        await screen.type("ammount")
        await screen.press("enter")
        await screen.sees("✖ ReferenceError: ammount is not defined")
        await screen.sees("did you mean amount?")
        assert expression(screen) == "ammount"
        await screen.type(" *")
        await screen.press("enter")
        await screen.sees("something is missing at the end of ammount *")


async def test_names_are_completed(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        await screen.dialog("colon")
        await screen.type("1 + amo")
        await screen.sees("Tab amount")
        await screen.press("tab")
        assert expression(screen) == "1 + amount"
        await screen.press("ctrl+u")
        await screen.type("db.")
        await screen.sees("Tab host  ports")
        await screen.press("tab")
        assert expression(screen) == "db.", "nothing is shared: nothing is written"
        await screen.type("p")
        await screen.press("tab")
        assert expression(screen) == "db.ports"
        await screen.press("ctrl+u")
        await screen.type("last_executed_session_d")
        await screen.press("tab")
        assert expression(screen) == "last_executed_session_date"
        await screen.sees("last_executed_session_date_compact")


async def test_what_was_typed_comes_back(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        await screen.dialog("colon")
        for text in ("amount", "name"):
            await screen.type(text)
            await screen.press("enter")
        await screen.press("escape")
        await screen.dialog("colon")
        await screen.type("draft")
        await screen.press("up")
        assert expression(screen) == "name"
        await screen.press("up", "up")
        assert expression(screen) == "amount"
        await screen.press("down", "down")
        assert expression(screen) == "draft"


async def test_a_secret_is_masked_in_a_result_and_in_an_error(tmp_path: Path) -> None:
    dig = '_export: {token: hunter2222}\n+a: {echo>: "${token}"}\n'
    async with opened(tmp_path, dig, secrets={"password": "hunter2222"}) as screen:
        await screen.stops("before +main+a")
        await screen.dialog("colon")
        for text in ("token", "({deep: [token]})", "a ${token}", "token.hunter2222.x"):
            await screen.type(text)
            await screen.press("enter")
            await screen.until(lambda: "***" in screen.picture(), "the mask")
            await screen.press("ctrl+u")
        assert "hunter" not in screen.picture()


async def test_an_expression_without_end_is_stopped(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        await screen.dialog("colon")
        await screen.type("(function() { while (true); })()")
        await screen.press("enter")
        await screen.sees("time limit of 0.5 s exceeded")


async def test_the_scope_is_that_of_the_selected_task(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        group = screen.app.view.attempt.named("+main+g")
        assert group
        screen.app.main.select(group)
        await screen.dialog("colon")
        await screen.sees("in +main+g")
        await screen.type("task_name")
        await screen.press("enter")
        await screen.sees('= "+main+g"  string')
