-- logo_churn, revenue_churn: of what runs at the start of a period, what ends in it. Revenue is valued at the rate of
-- the day before, so that it is held against the mrr of the period before; the first day has no day before it.
with

periods as (
    select
        grain,
        period_start,
        {{ add_days('period_start', -1) }} as before_date
    from {{ ref('int_calendar__periods') }}
),

at_start as (
    select
        periods.grain,
        periods.period_start,
        spans.dimension,
        spans.segment,
        spans.currency,
        spans.channel,
        spans.country,
        spans.category,
        spans.order_count as running_count,
        spans.category_order_count as category_running_count,
        spans.yearly_amount as running_amount,
        cast(0 as bigint) as ended_count,
        cast(0 as decimal(24, 4)) as ended_amount
    from periods
    inner join {{ ref('int_orders__subscription_spans') }} as spans
        on periods.before_date >= spans.from_date
        and (spans.to_date is null or periods.before_date < spans.to_date)
    where spans.category_order_count <> 0
),

-- One line of an order stands for the order.
ended_lines as (
    select
        period_days.grain,
        period_days.period_start,
        lines.order_id,
        lines.currency,
        lines.channel,
        lines.country,
        lines.category,
        {{ yearly_amount('lines.recurring_interval', 'lines.recurring_amount') }} as yearly_amount,
        row_number() over (partition by period_days.grain, lines.order_id order by lines.line_id) as line_number
    from {{ ref('int_orders__line_facts') }} as lines
    inner join {{ ref('int_calendar__period_days') }} as period_days on lines.end_date = period_days.local_date
    where lines.recurring_interval is not null
        and lines.start_date < period_days.period_start
        and lines.stop_date >= period_days.period_start
),

ended as (
    {{ by_dimension('ended_lines', {}) }}
    union all
    {{ by_profile_dimension('ended_lines', ref('int_orders__segments'), 'order_id') }}
),

moved as (
    select * from at_start
    union all
    select
        grain,
        period_start,
        dimension,
        segment,
        currency,
        channel,
        country,
        category,
        cast(0 as bigint) as running_count,
        cast(0 as bigint) as category_running_count,
        cast(0 as decimal(24, 4)) as running_amount,
        cast(case when line_number = 1 then 1 else 0 end as bigint) as ended_count,
        cast(yearly_amount as decimal(24, 4)) as ended_amount
    from ended
),

cells as (
    select
        grain,
        period_start,
        dimension,
        segment,
        currency,
        channel,
        country,
        category,
        sum(running_count) as running_count,
        sum(category_running_count) as category_running_count,
        sum(running_amount) as running_amount,
        sum(ended_count) as ended_count,
        sum(ended_amount) as ended_amount
    from moved
    group by grain, period_start, dimension, segment, currency, channel, country, category
),

-- Converted per cell and rounded once, like mrr.
valued as (
    select
        cells.grain,
        cells.period_start,
        cells.dimension,
        cells.segment,
        cells.channel,
        cells.country,
        cells.category,
        cells.running_count,
        cells.category_running_count,
        cells.ended_count,
        cast(
            {{ ratio('cells.running_amount * coalesce(before_rates.rate, start_rates.rate)', '12') }} as decimal(28, 6)
        ) as running_amount,
        cast(
            {{ ratio('cells.ended_amount * coalesce(before_rates.rate, start_rates.rate)', '12') }} as decimal(28, 6)
        ) as ended_amount
    from cells
    left join {{ ref('int_orders__rates') }} as before_rates
        on cells.currency = before_rates.currency
        and {{ add_days('cells.period_start', -1) }} = before_rates.local_date
    left join {{ ref('int_orders__rates') }} as start_rates
        on cells.currency = start_rates.currency
        and cells.period_start = start_rates.local_date
),

valued_in_all as (
    select
        grain,
        period_start,
        channel,
        country,
        category,
        running_count,
        category_running_count,
        ended_count,
        running_amount,
        ended_amount
    from valued
    where dimension = 'all'
),

segmented as (
    {{ by_dimension('valued_in_all', {'channel': 'channel', 'country': 'country', 'category': 'category'}) }}
    union all
    select
        grain,
        period_start,
        channel,
        country,
        category,
        running_count,
        category_running_count,
        ended_count,
        running_amount,
        ended_amount,
        dimension,
        segment
    from valued
    where dimension <> 'all'
),

totals as (
    select
        grain,
        period_start,
        dimension,
        segment,
        sum(case when dimension = 'category' then category_running_count else running_count end) as running_count,
        sum(ended_count) as ended_count,
        sum(running_amount) as running_amount,
        sum(ended_amount) as ended_amount
    from segmented
    group by grain, period_start, dimension, segment
),

measured as (
    select
        'logo_churn' as kpi_id,
        grain,
        period_start,
        dimension,
        segment,
        cast(ended_count as decimal(28, 6)) as numerator,
        cast(running_count as decimal(28, 6)) as denominator,
        cast(running_count as bigint) as n
    from totals
    where dimension <> 'category'
    union all
    select
        'revenue_churn' as kpi_id,
        grain,
        period_start,
        dimension,
        segment,
        cast(ended_amount as decimal(28, 6)) as numerator,
        cast(running_amount as decimal(28, 6)) as denominator,
        cast(running_count as bigint) as n
    from totals
)

select
    kpi_id,
    grain,
    period_start,
    dimension,
    segment,
    numerator,
    denominator,
    {{ ratio('numerator', 'denominator') }} as value,
    n
from measured
