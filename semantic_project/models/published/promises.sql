select
    promised_date,
    last_carrier as carrier,
    last_warehouse as warehouse,
    delivery_country as country,
    is_on_time,
    is_complete_in_first_delivery
from {{ source('marts', 'fct_orders__orders') }}
where is_on_time is not null
