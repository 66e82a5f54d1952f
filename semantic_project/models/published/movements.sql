select
    amount_date,
    kind,
    channel,
    country,
    category,
    movement_amount,
    case kind when 'gross' then movement_amount else -movement_amount end as net_amount
from {{ source('marts', 'fct_orders__movements') }}
