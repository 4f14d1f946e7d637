"""What people do inside of their Python tasks, by keys alone, in a real terminal."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .support import write
from .terminal import Terminal
from .test_walkthroughs import both_sizes, close, debugger, find

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")

SHOP = {
    "main.dig": """
        +price:
          py>: prices.total
          amounts: [10, 20, 30]

        +report:
          echo>: the total is ${total}

        +refund:
          py>: prices.refund
          orders: {a7: 12}
        """,
    "prices.py": """
        import digdag


        def total(amounts, rate=0.5):
            found = 0
            for amount in amounts:
                found += amount
            found = found * rate
            digdag.env.store({"total": found})


        def refund(orders):
            order = orders["b9"]
            return order
        """,
}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    write(folder, SHOP)
    return folder


def variable(terminal: Terminal, name: str) -> None:
    """Put the cursor of the Python pane on a variable."""
    terminal.press("i")
    terminal.see("Locals of ", f" {name} ")
    find(terminal, f"{name} ")


@both_sizes
def test_change_a_variable_at_a_breakpoint_and_see_it_stored(shop: Path, size: str) -> None:
    with debugger(shop, size=size) as terminal:
        terminal.see("before +main+price")
        terminal.press("s")
        terminal.see("first line of total (prices.py:5)")
        terminal.press("3")
        find(terminal, "found * rate")
        terminal.press("b")
        terminal.see("●   8")
        terminal.press("c")
        terminal.see("breakpoint in total (prices.py:8)")
        variable(terminal, "found")
        terminal.press("e")
        terminal.see("Set found", ": 60")
        terminal.type("found + 940")
        terminal.see(": found + 940")
        terminal.press("Enter")
        terminal.see("= 1000")
        terminal.press("n")
        terminal.see("step in total (prices.py:9)", "= 500.0")
        terminal.press("f")
        terminal.see("before +main+report")
        terminal.press("2")
        terminal.see("total", "500.0")
        terminal.press("c")
        terminal.see("KeyError in refund (prices.py:13)")
        terminal.press("6")
        terminal.see("the total is 500")
        terminal.press("K")
        terminal.see("finished: stopped")
        terminal.press("q")
        assert terminal.ended() == 0


@both_sizes
def test_what_is_raised_stops_where_it_is_raised_and_then_the_task_fails(shop: Path, size: str) -> None:
    with debugger(shop, size=size) as terminal:
        terminal.see("before +main+price")
        terminal.press("n")
        terminal.see("before +main+report")
        terminal.press("n")
        terminal.see("before +main+refund")
        terminal.press("I")
        terminal.press("9")
        terminal.see("on (I)")
        terminal.press("c")
        terminal.see("KeyError in refund (prices.py:13)")
        terminal.press("i")
        terminal.see("KeyError: 'b9'", "Locals of refund", "orders = {'a7': 12}")
        terminal.press(":")
        terminal.see("Evaluate Python")
        terminal.type("list(orders)")
        terminal.see(": list(orders)")
        terminal.press("Enter")
        terminal.see("= ['a7']")
        close(terminal, "Evaluate Python")
        terminal.press("c")
        terminal.see("+main+refund failed", "'b9' (KeyError)")
        terminal.press("s")
        terminal.see("first line of refund (prices.py:13)")
        variable(terminal, "orders")
        terminal.press("e")
        terminal.see("Set orders")
        terminal.type("{'b9': 7}")
        terminal.see(": {'b9': 7}")
        terminal.press("Enter")
        terminal.see("= {'b9': 7}")
        terminal.press("c")
        terminal.see("finished: success")
