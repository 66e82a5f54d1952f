{{ config(
    description='The KPIs of orders, sales and what came of an order count, day by day, just the rows of fct_orders__orders and fct_orders__movements that they are drilled through to.',
    severity='error',
    meta={'dagster': {'ref': {'name': 'fct_orders__orders'}}, 'owner': 'revenue-operations', 'subject': 'fct_orders__orders', 'fix': 'Compare the condition of the KPI in int_orders__*_values with the columns of the mart: both have to tell the same rows.'}
) }}

with

orders as (
    select * from {{ ref('fct_orders__orders') }}
),

movements as (
    select
        kind,
        amount_date,
        case kind when 'gross' then movement_amount else -movement_amount end as signed_amount
    from {{ ref('fct_orders__movements') }}
),

counted as (
    select
        kpis.kpi_id,
        orders.order_date as local_date,
        cast(
            case kpis.kpi_id
                when 'orders' then 1
                when 'gmv' then orders.gross_amount
                when 'aov' then orders.gross_amount - orders.discount_amount
                when 'cancellation_rate' then case when orders.is_cancelled_before_shipment then 1 else 0 end
                when 'contact_rate' then 100 * orders.contact_count
            end as decimal(28, 6)
        ) as numerator,
        1 as denominator
    from orders
    cross join (
        values ('orders'), ('gmv'), ('aov'), ('cancellation_rate'), ('contact_rate')
    ) as kpis (kpi_id)
    union all
    select
        'repeat_purchase_90d' as kpi_id,
        order_date as local_date,
        cast(case when is_repeated_in_90_days then 1 else 0 end as decimal(28, 6)) as numerator,
        1 as denominator
    from orders
    where is_first_purchase
    union all
    select
        'net_sales' as kpi_id,
        amount_date as local_date,
        signed_amount as numerator,
        0 as denominator
    from movements
    where kind in ('gross', 'discount', 'refund', 'cancelled')
    union all
    select
        'net_sales_cohort_90d' as kpi_id,
        amount_date as local_date,
        signed_amount as numerator,
        0 as denominator
    from movements
    where kind in ('gross', 'discount', 'refund_in_90_days', 'cancelled_in_90_days')
    union all
    select
        'refund_rate' as kpi_id,
        amount_date as local_date,
        case kind when 'refund' then -signed_amount else 0 end as numerator,
        case kind when 'gross' then signed_amount else 0 end as denominator
    from movements
    where kind in ('gross', 'refund')
),

daily as (
    select
        kpi_id,
        local_date,
        sum(numerator) as numerator,
        sum(denominator) as denominator
    from counted
    group by kpi_id, local_date
),

wanted as (
    select distinct kpi_id from counted
)

select
    facts.kpi_id,
    facts.period_start,
    facts.numerator,
    facts.denominator,
    coalesce(daily.numerator, 0) as numerator_of_rows,
    coalesce(daily.denominator, 0) as denominator_of_rows
from {{ ref('fct_kpi') }} as facts
inner join wanted on facts.kpi_id = wanted.kpi_id
left join daily
    on facts.kpi_id = daily.kpi_id
    and facts.period_start = daily.local_date
where facts.grain = 'day'
    and facts.dimension = 'all'
    and facts.is_complete
    and (
        facts.numerator <> coalesce(daily.numerator, 0)
        or coalesce(facts.denominator, coalesce(daily.denominator, 0)) <> coalesce(daily.denominator, 0)
    )
