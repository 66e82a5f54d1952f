-- Amounts that are known of an order and have to be spread over its lines: its own discount, refunds, what was
-- cancelled and never refunded, the recurring charge. The kinds `…_in_90_days` lie on the order date: what had happened
-- 90 days after the order, however it went on.
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
        cast({{ to_local('refunds.refunded_at', 'settings.reporting_zone') }} as date) as refund_date,
        accepted.currency as order_currency,
        accepted.order_date,
        accepted.cancelled_date,
        coalesce(
            refunds.refunded_at < {{ add_micros('accepted.ordered_at', '7776000000000') }}, false
        ) as is_in_90_days
    from {{ ref('int_orders__refunds') }} as refunds
    inner join accepted on refunds.order_id = accepted.order_id
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

-- In the currency of the order, at the rates of the day on which the amount counts where a refund is in another.
refunded as (
    {%- for kind, date_column, condition in [
        ('cancelled', 'cancelled_date', 'true'), ('cancelled_in_90_days', 'order_date', 'refunds.is_in_90_days')
    ] %}
    select
        '{{ kind }}' as kind,
        refunds.order_id,
        sum(
            cast(
                case
                    when refunds.currency = refunds.order_currency then refunds.refund_amount
                    else {{ ratio('cast(refunds.refund_amount as double) * refund_rates.rate', 'order_rates.rate') }}
                end as decimal(18, 4)
            )
        ) as refunded_amount
    from refunds
    left join rates as refund_rates
        on refunds.currency = refund_rates.currency
        and refunds.{{ date_column }} = refund_rates.local_date
    left join rates as order_rates
        on refunds.order_currency = order_rates.currency
        and refunds.{{ date_column }} = order_rates.local_date
    where refunds.cancelled_date is not null
        and {{ condition }}
    group by refunds.order_id
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

cancelled as (
    select
        'cancelled' as kind,
        order_id,
        cancelled_date as amount_date,
        currency,
        order_discount_amount
    from accepted
    where cancelled_at is not null
    union all
    select
        'cancelled_in_90_days' as kind,
        order_id,
        order_date as amount_date,
        currency,
        order_discount_amount
    from accepted
    where cancelled_at < {{ add_micros('ordered_at', '7776000000000') }}
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
    refund_id as source_id,
    order_id,
    line_id,
    refund_date as amount_date,
    currency,
    refund_amount as amount
from refunds
union all
select
    'refund_in_90_days' as kind,
    refund_id as source_id,
    order_id,
    line_id,
    order_date as amount_date,
    currency,
    refund_amount as amount
from refunds
where is_in_90_days
union all
select
    cancelled.kind,
    cancelled.order_id as source_id,
    cancelled.order_id,
    cast(null as string) as line_id,
    cancelled.amount_date,
    cancelled.currency,
    cast(
        order_values.value_before_order_discount - cancelled.order_discount_amount
        - coalesce(refunded.refunded_amount, 0) as decimal(18, 4)
    ) as amount
from cancelled
inner join order_values on cancelled.order_id = order_values.order_id
left join refunded
    on cancelled.kind = refunded.kind
    and cancelled.order_id = refunded.order_id
where order_values.value_before_order_discount - cancelled.order_discount_amount
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
