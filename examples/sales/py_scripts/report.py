"""What the shops sold, in numbers and as a page."""

from pathlib import Path

import digdag

from . import warehouse as db


def summarize(shop, warehouse):
    """Store a shop's sum in `totals` and its product that sold best in `best`."""
    with db.connect(warehouse) as database:
        (total,) = database.execute(db.query("shop_total"), {"shop": shop}).fetchone()
        (product,) = database.execute(db.query("best_product"), {"shop": shop}).fetchone()
    digdag.env.store(totals={shop: total}, best={shop: product})
    print(f"{shop}: {total}, most of it {product}")


def write(title, totals, best, loaded, report, currency):
    """Write the page, and store what is announced: `total` and `best_shop`."""
    shops = sorted(totals, key=totals.get, reverse=True)
    lines = [f"# {title}", "", f"| shop | orders | {currency} | sold best |", "|---|---|---|---|"]
    lines += [f"| {shop} | {loaded[shop]} | {totals[shop]} | {best[shop]} |" for shop in shops]
    Path(report).write_text("\n".join(lines) + "\n", encoding="utf-8")
    digdag.env.store(total=sum(totals.values()), best_shop=shops[0])
    print("\n".join(lines))
