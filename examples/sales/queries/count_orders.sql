SELECT shop, count(*)
FROM orders
GROUP BY shop
