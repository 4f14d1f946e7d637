SELECT product
FROM orders
WHERE shop = :shop
GROUP BY product
ORDER BY sum(quantity * price) DESC, product
LIMIT 1
