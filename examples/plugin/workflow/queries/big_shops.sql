select name, sold
from shops
where sold >= ${least}
order by name
