select count(1) as cnt from {table}
