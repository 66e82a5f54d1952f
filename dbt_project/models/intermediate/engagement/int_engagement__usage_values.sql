with periods as (
    select
        grain,
        period_start,
        {{ add_days('period_end', -1) }} as last_date
    from {{ ref('int_calendar__periods') }}
),

active_values as (
    select
        kpis.kpi_id,
        active_users.grain,
        active_users.period_start,
        active_users.dimension,
        active_users.segment,
        active_users.users as numerator,
        cast(null as bigint) as denominator,
        active_users.users as n
    from {{ ref('int_engagement__active_users') }} as active_users
    inner join (values ('dau', true), ('active_users', false)) as kpis (kpi_id, is_daily)
        on active_users.grain = 'day' or not kpis.is_daily
),

trailing_periods as (
    select
        trailing_users.measure,
        trailing_users.window_days,
        periods.grain,
        periods.period_start,
        trailing_users.dimension,
        trailing_users.segment,
        trailing_users.users,
        trailing_users.person_days
    from {{ ref('int_engagement__trailing_users') }} as trailing_users
    inner join periods on trailing_users.local_date = periods.last_date
),

trailing_values as (
    select
        case window_days when 7 then 'users_7d' else 'users_28d' end as kpi_id,
        grain,
        period_start,
        dimension,
        segment,
        users as numerator,
        cast(null as bigint) as denominator,
        users as n
    from trailing_periods
    where measure = 'active'
),

-- the mean of 28 daily numbers over the people of these days: the 28 goes into the denominator, so both stay exact
stickiness_values as (
    select
        'stickiness' as kpi_id,
        grain,
        period_start,
        dimension,
        segment,
        person_days as numerator,
        28 * users as denominator,
        users as n
    from trailing_periods
    where measure = 'active' and window_days = 28
),

-- a feature is held against everybody and there from its first use on, a segment against its own people
adoption_bases as (
    select
        features.dimension,
        features.segment,
        bases.grain,
        bases.period_start,
        bases.users
    from trailing_periods as bases
    inner join trailing_periods as features
        on bases.grain = features.grain
        and bases.period_start = features.period_start
    where bases.dimension = 'all'
        and bases.measure = 'active'
        and bases.window_days = 28
        and features.measure = 'feature'
        and features.dimension = 'feature'
    union all
    select
        dimension,
        segment,
        grain,
        period_start,
        users
    from trailing_periods
    where measure = 'active' and window_days = 28
),

adoption_values as (
    select
        'feature_adoption' as kpi_id,
        bases.grain,
        bases.period_start,
        bases.dimension,
        bases.segment,
        coalesce(feature_users.users, 0) as numerator,
        bases.users as denominator,
        bases.users as n
    from adoption_bases as bases
    left join trailing_periods as feature_users
        on bases.grain = feature_users.grain
        and bases.period_start = feature_users.period_start
        and bases.dimension = feature_users.dimension
        and bases.segment = feature_users.segment
        and feature_users.measure = 'feature'
),

-- a session counts on the day it began, which may lie before the day whose events make it one
session_values as (
    select
        'sessions' as kpi_id,
        period_days.grain,
        period_days.period_start,
        counts.dimension,
        counts.segment,
        sum(counts.amount) as numerator,
        cast(null as bigint) as denominator,
        sum(counts.amount) as n
    from {{ ref('int_engagement__all_counts') }} as counts
    inner join {{ ref('int_calendar__period_days') }} as period_days
        on {{ add_days('counts.local_date', '-counts.gap_days') }} = period_days.local_date
    where counts.measure = 'sessions'
    group by period_days.grain, period_days.period_start, counts.dimension, counts.segment
),

-- the denominator counts every person once per day, whatever the period
intensity_values as (
    select
        'events_per_active_day' as kpi_id,
        period_days.grain,
        period_days.period_start,
        counts.dimension,
        counts.segment,
        coalesce(sum(counts.amount) filter (where counts.measure = 'qualifying_event_count'), 0) as numerator,
        coalesce(sum(counts.amount) filter (where counts.measure = 'active'), 0) as denominator,
        coalesce(sum(counts.amount) filter (where counts.measure = 'active'), 0) as n
    from {{ ref('int_engagement__all_counts') }} as counts
    inner join {{ ref('int_calendar__period_days') }} as period_days
        on counts.local_date = period_days.local_date
    where counts.measure in ('qualifying_event_count', 'active')
    group by period_days.grain, period_days.period_start, counts.dimension, counts.segment
),

error_values as (
    select
        'error_rate' as kpi_id,
        period_days.grain,
        period_days.period_start,
        counts.dimension,
        counts.segment,
        coalesce(sum(counts.amount) filter (where counts.measure = 'error_count'), 0) as numerator,
        coalesce(sum(counts.amount) filter (where counts.measure = 'counted_use_count'), 0) as denominator,
        sum(counts.amount) filter (where counts.measure = 'reporting_event_count') as n
    from {{ ref('int_engagement__all_counts') }} as counts
    inner join {{ ref('int_calendar__period_days') }} as period_days
        on counts.local_date = period_days.local_date
    where counts.measure in ('error_count', 'counted_use_count', 'reporting_event_count')
    group by period_days.grain, period_days.period_start, counts.dimension, counts.segment
),

all_values as (
    select * from active_values
    union all
    select * from trailing_values
    union all
    select * from stickiness_values
    union all
    select * from adoption_values
    union all
    select * from session_values
    union all
    select * from intensity_values
    union all
    select * from error_values
),

typed as (
    select
        kpi_id,
        grain,
        period_start,
        dimension,
        segment,
        cast(numerator as decimal(28, 6)) as numerator,
        cast(denominator as decimal(28, 6)) as denominator,
        kpi_id in ('stickiness', 'events_per_active_day', 'feature_adoption', 'error_rate') as is_ratio,
        cast(n as bigint) as n
    from all_values
)

select
    kpi_id,
    grain,
    period_start,
    dimension,
    segment,
    numerator,
    denominator,
    case when is_ratio then {{ ratio('numerator', 'denominator') }} else cast(numerator as double) end as value,
    n
from typed
