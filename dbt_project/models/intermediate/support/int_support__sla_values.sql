-- sla_attainment: clocks that were stopped in time of those that are decided. Its priority is that of the promise.
with

facts as (
    select
        ticket_id,
        decided_date,
        case state when 'met' then 1 else 0 end as hit,
        sla_target,
        channel,
        priority,
        group_name,
        reason
    from {{ ref('int_support__sla_clocks') }}
    where state in ('met', 'breached')
),

segmented as (
    {{ by_dimension('facts', {
        'channel': 'channel', 'priority': 'priority', 'group': 'group_name', 'reason': 'reason',
        'sla_target': 'sla_target'
    }) }}
    union all
    {{ by_profile_dimension('facts', ref('int_support__segments'), 'ticket_id') }}
),

daily as (
    select
        decided_date,
        dimension,
        segment,
        sum(hit) as hit_count,
        count(*) as fact_count
    from segmented
    group by decided_date, dimension, segment
),

totals as (
    select
        period_days.grain,
        period_days.period_start,
        daily.dimension,
        daily.segment,
        cast(sum(daily.hit_count) as decimal(28, 6)) as numerator,
        cast(sum(daily.fact_count) as decimal(28, 6)) as denominator,
        cast(sum(daily.fact_count) as bigint) as n
    from daily
    inner join {{ ref('int_calendar__period_days') }} as period_days on daily.decided_date = period_days.local_date
    group by period_days.grain, period_days.period_start, daily.dimension, daily.segment
)

select
    'sla_attainment' as kpi_id,
    grain,
    period_start,
    dimension,
    segment,
    numerator,
    denominator,
    {{ ratio('numerator', 'denominator') }} as value,
    n
from totals
