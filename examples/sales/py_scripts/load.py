"""Loads the shops' files, side by side."""

import csv

import digdag

from . import warehouse as db


def all_shops(files):
    """Add a task for each file."""
    for shop, path in files.items():
        digdag.env.add_subtask(one_shop, shop=shop, path=path)
    digdag.env.subtask_config["_parallel"] = True


def one_shop(shop, path, warehouse, max_incomplete=0):
    """Load the orders that have a price; fail when too many have none."""
    with open(path, encoding="utf-8", newline="") as stream:
        orders = list(csv.DictReader(stream))
    complete = [order for order in orders if order["price"]]
    incomplete = len(orders) - len(complete)
    if incomplete and incomplete / len(orders) > max_incomplete:
        raise ValueError(f"{incomplete} of {len(orders)} orders of {shop} have no price")
    rows = [(shop, order["product"], int(order["quantity"]), int(order["price"])) for order in complete]
    with db.connect(warehouse) as database, database:
        database.execute(db.query("delete_orders"), {"shop": shop})
        database.executemany(db.query("insert_order"), rows)
    digdag.env.store(loaded={shop: len(rows)})
    print(f"{shop}: {len(rows)} orders, {incomplete} left out")
