"""The warehouse: a SQLite file, and the queries beside this package."""

import sqlite3
from contextlib import closing
from pathlib import Path

QUERIES = Path(__file__).resolve().parent.parent / "queries"


def query(name):
    """The text of queries/NAME.sql."""
    return (QUERIES / f"{name}.sql").read_text(encoding="utf-8")


def connect(warehouse):
    """An open warehouse; others may be writing to it."""
    return closing(sqlite3.connect(warehouse, timeout=30))


def create(warehouse):
    """Make the tables anew, empty."""
    Path(warehouse).parent.mkdir(parents=True, exist_ok=True)
    with connect(warehouse) as database:
        database.executescript(query("create_tables"))


def check(warehouse, expected):
    """Fail unless every shop has as many orders as `expected` says."""
    with connect(warehouse) as database:
        found = dict(database.execute(query("count_orders")))
    if found != expected:
        raise ValueError(f"the warehouse has {found}, not {expected}")
    print(f"as expected: {found}")
