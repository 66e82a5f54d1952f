select
    delivered_date,
    channel,
    country,
    category,
    delivered_count,
    returned_count
from {{ source('warehouse', 'int_orders__returns') }}
