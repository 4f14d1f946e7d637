DROP TABLE IF EXISTS orders;

CREATE TABLE orders (
    shop     TEXT    NOT NULL,
    product  TEXT    NOT NULL,
    quantity INTEGER NOT NULL,
    price    INTEGER NOT NULL
);
