INSERT INTO orders (shop, product, quantity, price) VALUES (?, ?, ?, ?)
