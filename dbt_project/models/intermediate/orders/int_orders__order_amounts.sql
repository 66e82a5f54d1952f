-- Amounts that are known of an order and have to be spread over its lines: its own discount, refunds, what was
-- cancelled and never refunded, the recurring charge.
with

watermark as (
    select max(end_at) as closed_at from {{ ref('int_calendar__days') }}
),

settings as (
    select reporting_zone from {{ ref('int_calendar__settings') }}
),

accepted as (
    select * from {{ ref('int_orders__accepted') }}
),

rates as (
    select * from {{ ref('int_orders__rates') }}
),

refunds as (
    select
        refunds.refund_id,
        refunds.order_id,
        refunds.line_id,
        refunds.refund_amount,
        refunds.currency,
        cast({{ to_local('refunds.refunded_at', 'settings.reporting_zone') }} as date) as refund_date
    from {{ ref('int_orders__refunds') }} as refunds
    cross join settings
    cross join watermark
    where refunds.refunded_at < watermark.closed_at
),

order_values as (
    select
        order_id,
        sum(gross_amount) - sum(line_discount_amount) as value_before_order_discount
    from {{ ref('int_orders__lines') }}
    group by order_id
),

-- In the currency of the order, at the rates of the day of the cancellation where a refund is in another.
refunded as (
    select
        refunds.order_id,
        sum(
            cast(
                case
                    when refunds.currency = accepted.currency then refunds.refund_amount
                    else {{ ratio('cast(refunds.refund_amount as double) * refund_rates.rate', 'order_rates.rate') }}
                end as decimal(18, 4)
            )
        ) as refunded_amount
    from refunds
    inner join accepted on refunds.order_id = accepted.order_id
    left join rates as refund_rates
        on refunds.currency = refund_rates.currency
        and accepted.cancelled_date = refund_rates.local_date
    left join rates as order_rates
        on accepted.currency = order_rates.currency
        and accepted.cancelled_date = order_rates.local_date
    where accepted.cancelled_at is not null
    group by refunds.order_id
)

select
    'discount' as kind,
    order_id as source_id,
    order_id,
    cast(null as string) as line_id,
    order_date as amount_date,
    currency,
    order_discount_amount as amount
from accepted
where order_discount_amount <> 0
union all
select
    'refund' as kind,
    refunds.refund_id as source_id,
    refunds.order_id,
    refunds.line_id,
    refunds.refund_date as amount_date,
    refunds.currency,
    refunds.refund_amount as amount
from refunds
inner join accepted on refunds.order_id = accepted.order_id
union all
select
    'cancelled' as kind,
    accepted.order_id as source_id,
    accepted.order_id,
    cast(null as string) as line_id,
    accepted.cancelled_date as amount_date,
    accepted.currency,
    cast(
        order_values.value_before_order_discount - accepted.order_discount_amount
        - coalesce(refunded.refunded_amount, 0) as decimal(18, 4)
    ) as amount
from accepted
inner join order_values on accepted.order_id = order_values.order_id
left join refunded on accepted.order_id = refunded.order_id
where accepted.cancelled_at is not null
    and order_values.value_before_order_discount - accepted.order_discount_amount
    > coalesce(refunded.refunded_amount, 0)
union all
select
    'recurring' as kind,
    order_id as source_id,
    order_id,
    cast(null as string) as line_id,
    start_date as amount_date,
    currency,
    recurring_amount as amount
from accepted
where recurring_interval is not null
    and recurring_amount is not null
