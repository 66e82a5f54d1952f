select
    ship_by_date,
    first_carrier as carrier,
    first_warehouse as warehouse,
    delivery_country as country,
    is_shipped_on_time
from {{ source('marts', 'fct_orders__orders') }}
where is_shipped_on_time is not null
