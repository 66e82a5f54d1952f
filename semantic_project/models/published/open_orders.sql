-- A day on which nothing is open has a row without an order: the last day of a period is found by its rows.
select
    days.calendar_date,
    orders.order_id,
    case when orders.first_scan_at < days.ended_at then orders.first_carrier end as carrier,
    orders.first_warehouse as warehouse,
    orders.delivery_country as country,
    cast({{ micros_between('orders.ordered_at', 'days.ended_at') }} as double) / 3600000000 as age_hours
from {{ ref('days') }} as days
left join {{ source('marts', 'fct_orders__orders') }} as orders
    on orders.is_to_be_shipped
    and days.ended_at > orders.ordered_at
    and days.ended_at <= coalesce(orders.closed_at, cast('9999-12-31 00:00:00' as timestamp))
