-- mrr, active_subscriptions, logo_churn.
with

periods as (
    select
        grain,
        period_start,
        last_date,
        {{ add_days('period_start', -1) }} as before_date
    from {{ ref('int_calendar__periods') }}
),

spans as (
    select * from {{ ref('int_orders__subscription_spans') }}
),

-- Converted per cell and rounded once, so that the segments of every dimension sum to the total.
at_end as (
    select
        periods.grain,
        periods.period_start,
        spans.channel,
        spans.country,
        spans.category,
        spans.order_count,
        spans.category_order_count,
        cast(
            {{ ratio('spans.yearly_amount * rates.rate', '12') }} as decimal(28, 6)
        ) as monthly_amount
    from periods
    inner join spans
        on periods.last_date >= spans.from_date
        and (spans.to_date is null or periods.last_date < spans.to_date)
    left join {{ ref('int_orders__rates') }} as rates
        on spans.currency = rates.currency
        and periods.last_date = rates.local_date
    where spans.category_order_count <> 0
),

at_start as (
    select
        periods.grain,
        periods.period_start,
        spans.channel,
        spans.country,
        spans.order_count as running_count,
        cast(0 as bigint) as ended_count
    from periods
    inner join spans
        on periods.before_date >= spans.from_date
        and (spans.to_date is null or periods.before_date < spans.to_date)
    where spans.order_count <> 0
),

ended as (
    select
        period_days.grain,
        period_days.period_start,
        orders.channel,
        orders.country,
        cast(0 as bigint) as running_count,
        cast(1 as bigint) as ended_count
    from {{ ref('int_orders__order_facts') }} as orders
    inner join {{ ref('int_calendar__period_days') }} as period_days on orders.end_date = period_days.local_date
    where orders.recurring_interval is not null
        and orders.start_date < period_days.period_start
        and (orders.cancelled_date is null or orders.cancelled_date >= period_days.period_start)
),

churn as (
    select * from at_start
    union all
    select * from ended
),

segmented_mrr as (
    {{ by_dimension('at_end', {'channel': 'channel', 'country': 'country', 'category': 'category'}) }}
),

segmented_churn as (
    {{ by_dimension('churn', {'channel': 'channel', 'country': 'country'}) }}
),

results as (
    select
        'mrr' as kpi_id,
        grain,
        period_start,
        dimension,
        segment,
        cast(sum(monthly_amount) as decimal(28, 6)) as numerator,
        cast(null as decimal(28, 6)) as denominator,
        cast(sum(case when dimension = 'category' then category_order_count else order_count end) as bigint) as n
    from segmented_mrr
    group by grain, period_start, dimension, segment
    union all
    select
        'active_subscriptions' as kpi_id,
        grain,
        period_start,
        dimension,
        segment,
        cast(sum(order_count) as decimal(28, 6)) as numerator,
        cast(null as decimal(28, 6)) as denominator,
        cast(sum(order_count) as bigint) as n
    from segmented_mrr
    where dimension <> 'category'
    group by grain, period_start, dimension, segment
    union all
    select
        'logo_churn' as kpi_id,
        grain,
        period_start,
        dimension,
        segment,
        cast(sum(ended_count) as decimal(28, 6)) as numerator,
        cast(sum(running_count) as decimal(28, 6)) as denominator,
        cast(sum(running_count) as bigint) as n
    from segmented_churn
    group by grain, period_start, dimension, segment
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
        when kpi_id = 'logo_churn' then {{ ratio('numerator', 'denominator') }}
        else cast(numerator as double)
    end as value,
    n
from results
