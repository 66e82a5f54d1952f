-- Who bought for the first time, and whether they came back. Kept is what is not cancelled at the watermark; an order
-- of nobody known is nobody's first. Attributes are those of the first order.
with

kept as (
    select
        *,
        row_number() over (partition by customer_id order by ordered_at, order_id) as purchase_number,
        lead(ordered_at) over (partition by customer_id order by ordered_at, order_id) as next_ordered_at
    from {{ ref('int_orders__accepted') }}
    where is_known
        and cancelled_at is null
        and nullif(customer_id, '') is not null
)

select
    customer_id,
    order_id,
    ordered_at,
    order_date,
    coalesce(next_ordered_at < {{ add_micros('ordered_at', '7776000000000') }}, false) as is_repeated_in_90_days,
    acquisition_channel,
    plan,
    country,
    is_attribute_of_customer
from kept
where purchase_number = 1
