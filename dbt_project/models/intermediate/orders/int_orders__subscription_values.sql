-- mrr, active_subscriptions: what runs at the end of a period.
with

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
    from {{ ref('int_calendar__periods') }} as periods
    inner join {{ ref('int_orders__subscription_spans') }} as spans
        on periods.last_date >= spans.from_date
        and (spans.to_date is null or periods.last_date < spans.to_date)
    left join {{ ref('int_orders__rates') }} as rates
        on spans.currency = rates.currency
        and periods.last_date = rates.local_date
    where spans.category_order_count <> 0
),

segmented_mrr as (
    {{ by_dimension('at_end', {'channel': 'channel', 'country': 'country', 'category': 'category'}) }}
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
)

select
    kpi_id,
    grain,
    period_start,
    dimension,
    segment,
    numerator,
    denominator,
    cast(numerator as double) as value,
    n
from results
