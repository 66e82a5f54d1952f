-- mrr, active_subscriptions: what runs at the end of a period.
with

-- Within a cell, what the segments of a dimension of the profile bring is summed up one after the other.
at_end as (
    select
        periods.grain,
        periods.period_start,
        spans.dimension,
        spans.segment,
        spans.currency,
        spans.channel,
        spans.country,
        spans.category,
        spans.order_count,
        spans.category_order_count,
        cast(
            sum(spans.yearly_amount) over (
                partition by
                    periods.grain, periods.period_start, spans.dimension,
                    spans.currency, spans.channel, spans.country, spans.category
                order by spans.segment
                rows between unbounded preceding and current row
            ) as decimal(24, 4)
        ) as yearly_amount_so_far,
        rates.rate
    from {{ ref('int_calendar__periods') }} as periods
    inner join {{ ref('int_orders__subscription_spans') }} as spans
        on periods.last_date >= spans.from_date
        and (spans.to_date is null or periods.last_date < spans.to_date)
    left join {{ ref('int_orders__rates') }} as rates
        on spans.currency = rates.currency
        and periods.last_date = rates.local_date
    where spans.category_order_count <> 0
),

-- Converted per cell and rounded once, so that the segments of every dimension sum to the total. Where a cell has
-- segments, each brings what it adds to the rounded sum of those before it.
converted as (
    select
        *,
        cast({{ ratio('yearly_amount_so_far * rate', '12') }} as decimal(28, 6)) as monthly_amount_so_far
    from at_end
),

valued as (
    select
        *,
        monthly_amount_so_far - coalesce(
            lag(monthly_amount_so_far) over (
                partition by grain, period_start, dimension, currency, channel, country, category
                order by segment
            ), 0
        ) as monthly_amount
    from converted
),

cells as (
    select
        grain,
        period_start,
        channel,
        country,
        category,
        order_count,
        category_order_count,
        monthly_amount
    from valued
    where dimension = 'all'
),

segmented_mrr as (
    {{ by_dimension('cells', {'channel': 'channel', 'country': 'country', 'category': 'category'}) }}
    union all
    select
        grain,
        period_start,
        channel,
        country,
        category,
        order_count,
        category_order_count,
        monthly_amount,
        dimension,
        segment
    from valued
    where dimension <> 'all'
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
