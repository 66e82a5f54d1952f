with

amounts as (
    select
        order_id,
        line_id,
        cast(coalesce(sum(amount) filter (where kind = 'gross'), 0) as decimal(28, 6)) as gross_amount,
        cast(coalesce(sum(amount) filter (where kind = 'discount'), 0) as decimal(28, 6)) as discount_amount,
        cast(coalesce(sum(amount) filter (where kind = 'refund'), 0) as decimal(28, 6)) as refund_amount,
        cast(coalesce(sum(amount) filter (where kind = 'cancelled'), 0) as decimal(28, 6)) as cancelled_amount
    from {{ ref('int_orders__movements') }}
    group by order_id, line_id
),

-- What a subscription charges per interval: its own amount, else its lines after discount.
charges as (
    select
        order_id,
        line_id,
        cast(sum(amount) filter (where kind = 'recurring') as decimal(18, 4)) as recurring_amount,
        cast(sum(amount) filter (where kind = 'discount') as decimal(18, 4)) as order_discount_share
    from {{ ref('int_orders__allocations') }}
    group by order_id, line_id
)

select
    lines.order_id,
    lines.line_id,
    lines.is_known,
    accepted.order_date,
    accepted.channel,
    accepted.country,
    lines.category,
    lines.currency,
    lines.quantity,
    amounts.gross_amount,
    amounts.discount_amount,
    amounts.refund_amount,
    amounts.cancelled_amount,
    accepted.recurring_interval,
    accepted.start_date,
    accepted.end_date,
    -- a cancelled subscription stops running; that is no end of it, which churn would count
    least(accepted.end_date, accepted.cancelled_date) as stop_date,
    cast(
        case
            when accepted.recurring_interval is null then null
            when accepted.recurring_amount is not null then coalesce(charges.recurring_amount, 0)
            else lines.gross_amount - lines.line_discount_amount - coalesce(charges.order_discount_share, 0)
        end as decimal(18, 4)
    ) as recurring_amount
from {{ ref('int_orders__lines') }} as lines
inner join {{ ref('int_orders__accepted') }} as accepted on lines.order_id = accepted.order_id
left join amounts
    on lines.order_id = amounts.order_id
    and lines.line_id = amounts.line_id
left join charges
    on lines.order_id = charges.order_id
    and lines.line_id = charges.line_id
where accepted.is_known
