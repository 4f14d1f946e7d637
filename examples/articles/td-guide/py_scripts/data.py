import digdag


def upload(td, table, rows):
    """What would upload the rows to a database."""
    for row in rows:
        print(f"{td['database']}.{table} <- {row['id']} {row['name']}")
    digdag.env.store({"row_count": len(rows)})


if __name__ == "__main__":
    upload({"database": "my_db"}, "fruits", [{"id": 1, "name": "apple"}])
