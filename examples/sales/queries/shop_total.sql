SELECT coalesce(sum(quantity * price), 0)
FROM orders
WHERE shop = :shop
