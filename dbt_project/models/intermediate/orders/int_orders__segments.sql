-- An order that only refunds speak of is here too, unknown: its money counts in every dimension.
with

orders as (
    select
        accepted.order_id,
        accepted.customer_id,
        accepted.order_date,
        orders.extra
    from {{ ref('int_orders__accepted') }} as accepted
    left join {{ ref('int_orders__orders') }} as orders on accepted.order_id = orders.order_id
)

{{ fact_segments('orders', ['order_id'], 'order_date', "counted_stream = 'orders'") }}
