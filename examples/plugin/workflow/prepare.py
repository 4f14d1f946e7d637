"""Makes the database that the workflow asks."""

import sqlite3
from pathlib import Path

FILE = Path(".digdag/shops.db")

FILE.parent.mkdir(exist_ok=True)
FILE.unlink(missing_ok=True)
connection = sqlite3.connect(FILE)
with connection:
    connection.execute("create table shops (name text, sold integer)")
    connection.executemany("insert into shops values (?, ?)", [("Ginza", 330), ("Sapporo", 90), ("Umeda", 210)])
connection.close()
