-- A day on which nothing runs has a row without an order: the last day of a period is found by its rows.
select
    days.calendar_date,
    orders.order_id,
    orders.channel,
    orders.country,
    orders.source_currency,
    orders.source_recurring_amount,
    orders.recurring_interval
from {{ ref('days') }} as days
left join {{ source('marts', 'fct_orders__orders') }} as orders
    on orders.recurring_interval is not null
    and days.calendar_date >= orders.start_date
    and days.calendar_date < coalesce(least(orders.end_date, orders.cancelled_date), date '9999-12-31')
