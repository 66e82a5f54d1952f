{{ config(
    description='net_sales is, day by day and so over all days, gmv less discounts, refunds and what was cancelled and never refunded, taken from the rows of orders, lines and refunds.',
    severity='error',
    meta={'dagster': {'ref': {'name': 'fct_kpi'}}, 'owner': 'revenue-operations', 'subject': 'net_sales', 'fix': 'Compare int_orders__movements with the rows of the days named: an amount is lost or counted twice between them.'}
) }}

-- Order by order and not line by line, without the spread: another way to the same sum. A conversion is rounded once
-- per line, so the sums of a day may differ by a millionth per movement.
with

published as (
    select
        facts.period_start as local_date,
        facts.numerator as amount
    from {{ ref('fct_kpi') }} as facts
    where facts.kpi_id = 'net_sales'
        and facts.grain = 'day'
        and facts.dimension = 'all'
        and facts.is_complete
),

accepted as (
    select * from {{ ref('int_orders__accepted') }}
),

items as (
    select
        order_id,
        sum(quantity * unit_price_amount - coalesce(discount_amount, 0)) as amount
    from {{ ref('int_orders__items') }}
    group by order_id
),

signed as (
    select
        accepted.order_date as amount_date,
        accepted.currency,
        coalesce(items.amount, 0) - accepted.order_discount_amount as amount
    from accepted
    left join items on accepted.order_id = items.order_id
    where accepted.is_known
    union all
    select
        cast({{ to_local('refunds.refunded_at', 'settings.reporting_zone') }} as date) as amount_date,
        refunds.currency,
        -refunds.refund_amount as amount
    from {{ ref('int_orders__refunds') }} as refunds
    inner join accepted on refunds.order_id = accepted.order_id
    cross join {{ ref('int_calendar__settings') }} as settings
    union all
    select
        amount_date,
        currency,
        -amount as amount
    from {{ ref('int_orders__order_amounts') }}
    where kind = 'cancelled'
),

daily as (
    select
        signed.amount_date,
        sum(signed.amount * rates.rate) as amount
    from signed
    inner join {{ ref('int_orders__rates') }} as rates
        on signed.currency = rates.currency
        and signed.amount_date = rates.local_date
    group by signed.amount_date
),

movements as (
    select
        amount_date,
        count(*) as movement_count
    from {{ ref('int_orders__movements') }}
    where kind in ('gross', 'discount', 'refund', 'cancelled')
    group by amount_date
)

select
    published.local_date,
    published.amount as published_amount,
    coalesce(daily.amount, 0) as amount_of_rows,
    published.amount - coalesce(daily.amount, 0) as difference
from published
left join daily on published.local_date = daily.amount_date
left join movements on published.local_date = movements.amount_date
where abs(published.amount - coalesce(daily.amount, 0)) > 0.000001 * coalesce(movements.movement_count, 0)
