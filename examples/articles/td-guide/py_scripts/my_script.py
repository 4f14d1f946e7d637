def main(td, table, row_count=0):
    with open("queries/example.sql", encoding="utf-8") as query:
        print(f"{td['database']}: {query.read().format(table=table).strip()}")
    print(f"{row_count} rows to learn from")


if __name__ == "__main__":
    main({"database": "my_db"}, "fruits")
