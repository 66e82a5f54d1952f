select
    order_id,
    order_date,
    channel,
    country,
    acquisition_channel,
    plan,
    gross_amount - discount_amount as discounted_amount,
    is_cancelled_before_shipment,
    contact_count,
    is_on_time,
    is_first_purchase,
    is_repeated_in_90_days
from {{ source('marts', 'fct_orders__orders') }}
