with

amounts as (
    select
        order_id,
        count(*) filter (where is_known) as line_count,
        sum(quantity) as unit_count,
        cast(sum(gross_amount) as decimal(28, 6)) as gross_amount,
        cast(sum(discount_amount) as decimal(28, 6)) as discount_amount,
        cast(sum(refund_amount) as decimal(28, 6)) as refund_amount,
        cast(sum(cancelled_amount) as decimal(28, 6)) as cancelled_amount
    from {{ ref('int_orders__line_facts') }}
    group by order_id
)

select
    accepted.order_id,
    accepted.customer_id,
    accepted.account_id,
    accepted.ordered_at,
    accepted.order_date,
    accepted.channel,
    accepted.country,
    accepted.is_country_of_customer,
    accepted.currency,
    accepted.cancelled_at,
    accepted.cancelled_date,
    accepted.recurring_interval,
    accepted.start_date,
    accepted.end_date,
    cast(amounts.line_count as bigint) as line_count,
    cast(amounts.unit_count as bigint) as unit_count,
    amounts.gross_amount,
    amounts.discount_amount,
    amounts.refund_amount,
    amounts.cancelled_amount,
    cast(
        amounts.gross_amount - amounts.discount_amount - amounts.refund_amount
        - amounts.cancelled_amount as decimal(28, 6)
    ) as net_amount
from {{ ref('int_orders__accepted') }} as accepted
inner join amounts on accepted.order_id = amounts.order_id
where accepted.is_known
