-- tickets_created, tickets_solved and the cohorts escalation_rate, reopen_rate, first_contact_resolution: sums of days.
with

tickets as (
    select * from {{ ref('int_support__ticket_facts') }}
    where not is_excluded
),

facts as (
    select
        'tickets_created' as kpi_id,
        ticket_id,
        created_date as fact_date,
        1 as hit,
        channel,
        priority,
        group_name,
        reason
    from tickets
    union all
    select
        'tickets_solved' as kpi_id,
        ticket_id,
        transition_date as fact_date,
        1 as hit,
        channel,
        priority,
        group_name,
        reason
    from {{ ref('int_support__transitions') }}
    where transition = 'solve'
        and not is_merged_away
    union all
    select
        'escalation_rate' as kpi_id,
        ticket_id,
        created_date as fact_date,
        case when is_escalated_in_30_days then 1 else 0 end as hit,
        channel,
        priority,
        group_name,
        reason
    from tickets
    where not is_merged_away
    union all
    select
        'reopen_rate' as kpi_id,
        ticket_id,
        first_solved_date as fact_date,
        case when is_reopened_in_30_days then 1 else 0 end as hit,
        channel,
        priority,
        group_name,
        reason
    from {{ ref('int_support__first_solves') }}
    union all
    select
        'first_contact_resolution' as kpi_id,
        ticket_id,
        first_solved_date as fact_date,
        case when is_first_contact then 1 else 0 end as hit,
        channel,
        priority,
        group_name,
        reason
    from {{ ref('int_support__first_solves') }}
),

segmented as (
    {{ by_dimension('facts', {
        'channel': 'channel', 'priority': 'priority', 'group': 'group_name', 'reason': 'reason'
    }) }}
    union all
    {{ by_profile_dimension('facts', ref('int_support__segments'), 'ticket_id') }}
),

daily as (
    select
        kpi_id,
        fact_date,
        dimension,
        segment,
        sum(hit) as hit_count,
        count(*) as fact_count
    from segmented
    group by kpi_id, fact_date, dimension, segment
),

totals as (
    select
        daily.kpi_id,
        period_days.grain,
        period_days.period_start,
        daily.dimension,
        daily.segment,
        cast(sum(daily.hit_count) as decimal(28, 6)) as numerator,
        case
            when daily.kpi_id not in ('tickets_created', 'tickets_solved')
                then cast(sum(daily.fact_count) as decimal(28, 6))
        end as denominator,
        cast(sum(daily.fact_count) as bigint) as n
    from daily
    inner join {{ ref('int_calendar__period_days') }} as period_days on daily.fact_date = period_days.local_date
    group by daily.kpi_id, period_days.grain, period_days.period_start, daily.dimension, daily.segment
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
        when denominator is not null then {{ ratio('numerator', 'denominator') }}
        else cast(numerator as double)
    end as value,
    n
from totals
