-- orders, gmv, net_sales, net_sales_cohort_90d, aov, refund_rate: sums of days.
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
        sum(daily.gross_amount - daily.discount_amount - daily.lost_in_90_days_amount) as cohort_net_amount,
        sum(daily.refund_amount) as refund_amount,
        sum(daily.refund_count) as refund_count,
        sum(daily.order_count + daily.refund_count + daily.cancelled_count) as movement_count
    from {{ ref('int_orders__daily') }} as daily
    inner join {{ ref('int_calendar__period_days') }} as period_days on daily.amount_date = period_days.local_date
    group by period_days.grain, period_days.period_start, daily.dimension, daily.segment
),

measured as (
    select
        totals.*,
        kpis.kpi_id,
        cast(
            case kpis.kpi_id
                when 'orders' then totals.order_count
                when 'gmv' then totals.gross_amount
                when 'net_sales' then totals.net_amount
                when 'net_sales_cohort_90d' then totals.cohort_net_amount
                when 'aov' then totals.after_discount_amount
                else totals.refund_amount
            end as decimal(28, 6)
        ) as numerator,
        cast(
            case kpis.kpi_id
                when 'aov' then totals.order_count
                when 'refund_rate' then totals.gross_amount
            end as decimal(28, 6)
        ) as denominator
    from totals
    cross join (
        values ('orders'), ('gmv'), ('net_sales'), ('net_sales_cohort_90d'), ('aov'), ('refund_rate')
    ) as kpis (kpi_id)
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
        when kpi_id in ('aov', 'refund_rate') then {{ ratio('numerator', 'denominator') }}
        else cast(numerator as double)
    end as value,
    cast(
        case kpi_id
            when 'net_sales' then movement_count
            when 'refund_rate' then refund_count
            else order_count
        end as bigint
    ) as n
from measured
