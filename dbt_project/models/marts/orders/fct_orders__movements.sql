-- The rows behind the money: gmv, net_sales and refund_rate of a day sum the movements of that day, and
-- net_sales_cohort_90d those of what had happened 90 days after the order.
select
    kind,
    source_id,
    order_id,
    line_id,
    amount_date,
    channel,
    country,
    category,
    currency as source_currency,
    source_amount,
    rate_date,
    rate,
    amount as movement_amount
from {{ ref('int_orders__movements') }}
