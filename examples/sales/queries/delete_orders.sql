DELETE FROM orders WHERE shop = :shop
