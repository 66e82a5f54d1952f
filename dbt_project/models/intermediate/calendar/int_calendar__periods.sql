-- Only whole periods: the unfinished week or month at either end is not here.
with

days as (
    select * from {{ ref('int_calendar__days') }}
),

marked as (
    select
        grains.grain,
        case grains.grain
            when 'day' then days.local_date
            when 'week' then days.week_start
            when 'month' then days.month_start
            else days.quarter_start
        end as period_start,
        days.local_date,
        days.start_at,
        days.end_at,
        days.landing_from_date,
        days.landing_to_date
    from days
    cross join (values ('day'), ('week'), ('month'), ('quarter')) as grains (grain)
),

spans as (
    select
        grain,
        period_start,
        case grain
            when 'day' then {{ add_days('period_start', 1) }}
            when 'week' then {{ add_days('period_start', 7) }}
            when 'month' then cast(period_start + interval '1' month as date)
            else cast(period_start + interval '3' month as date)
        end as period_end,
        case grain
            when 'day' then {{ add_days('period_start', -1) }}
            when 'week' then {{ add_days('period_start', -7) }}
            when 'month' then cast(period_start - interval '1' month as date)
            else cast(period_start - interval '3' month as date)
        end as previous_start,
        min(local_date) as first_date,
        max(local_date) as last_date,
        min(start_at) as period_start_at,
        max(end_at) as period_end_at,
        min(landing_from_date) as landing_from_date,
        max(landing_to_date) as landing_to_date
    from marked
    group by grain, period_start
)

select
    grain,
    period_start,
    period_end,
    previous_start,
    last_date,
    period_start_at,
    period_end_at,
    landing_from_date,
    landing_to_date
from spans
where first_date = period_start
    and {{ add_days('last_date', 1) }} = period_end
