select
    last_delivered_date,
    last_carrier as carrier,
    last_warehouse as warehouse,
    delivery_country as country,
    cycle_time_hours
from {{ source('marts', 'fct_orders__orders') }}
where cycle_time_hours is not null
