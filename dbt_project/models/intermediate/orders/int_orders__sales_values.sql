-- orders, gmv, net_sales, aov: sums of days.
with

totals as (
    select
        period_days.grain,
        period_days.period_start,
        daily.dimension,
        daily.segment,
        sum(daily.order_count) as order_count,
        sum(daily.gross_amount) as gross_amount,
        sum(daily.gross_amount - daily.discount_amount) as after_discount_amount,
        sum(
            daily.gross_amount - daily.discount_amount - daily.refund_amount - daily.cancelled_amount
        ) as net_amount,
        sum(daily.order_count + daily.refund_count + daily.cancelled_count) as movement_count
    from {{ ref('int_orders__daily') }} as daily
    inner join {{ ref('int_calendar__period_days') }} as period_days on daily.amount_date = period_days.local_date
    group by period_days.grain, period_days.period_start, daily.dimension, daily.segment
),

measured as (
    select
        totals.*,
        kpis.kpi_id,
        case kpis.kpi_id
            when 'orders' then cast(totals.order_count as decimal(28, 6))
            when 'gmv' then cast(totals.gross_amount as decimal(28, 6))
            when 'net_sales' then cast(totals.net_amount as decimal(28, 6))
            else cast(totals.after_discount_amount as decimal(28, 6))
        end as numerator,
        case when kpis.kpi_id = 'aov' then cast(totals.order_count as decimal(28, 6)) end as denominator
    from totals
    cross join (values ('orders'), ('gmv'), ('net_sales'), ('aov')) as kpis (kpi_id)
)

select
    kpi_id,
    grain,
    period_start,
    dimension,
    segment,
    numerator,
    denominator,
    case
        when kpi_id = 'aov' then {{ ratio('numerator', 'denominator') }}
        else cast(numerator as double)
    end as value,
    cast(case when kpi_id = 'net_sales' then movement_count else order_count end as bigint) as n
from measured
