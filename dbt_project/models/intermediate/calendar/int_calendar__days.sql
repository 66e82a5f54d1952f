-- A local day is closed once the newest landing day of all streams has ended after it: the two zones may differ.
with

settings as (
    select * from {{ ref('int_calendar__settings') }}
),

watermark as (
    select max(watermark_date) as watermark_date
    from {{ ref('int_calendar__streams') }}
),

candidates as (
    select
        settings.landing_zone,
        settings.reporting_zone,
        settings.last_day,
        {{ from_local(add_days('watermark.watermark_date', 1), 'settings.landing_zone') }} as closed_at,
        {{ add_days('settings.first_day', 'spine.n') }} as local_date
    from settings
    cross join watermark
    cross join {{ integers(5) }} as spine
    where spine.n <= {{ days_between('settings.first_day', 'watermark.watermark_date') }} + 2
),

-- A zone may skip midnight, or have it twice: a day starts at the first instant that its clocks show as that day.
instants as (
    select
        candidates.*,
        {{ add_micros(
            from_local('candidates.local_date', 'candidates.reporting_zone'),
            'shifts.minutes * cast(60000000 as bigint)'
        ) }} as instant
    from candidates
    cross join (values (-60), (-30), (0), (30), (60)) as shifts (minutes)
),

starts as (
    select
        local_date,
        landing_zone,
        last_day,
        closed_at,
        min(instant) as start_at
    from instants
    where cast({{ to_local('instant', 'reporting_zone') }} as date) = local_date
    group by local_date, landing_zone, last_day, closed_at
),

bounded as (
    select
        *,
        lead(start_at) over (order by local_date) as end_at
    from starts
)

select
    local_date,
    start_at,
    end_at,
    cast({{ to_local('start_at', 'landing_zone') }} as date) as landing_from_date,
    cast({{ to_local(add_micros('end_at', '-1'), 'landing_zone') }} as date) as landing_to_date,
    cast(date_trunc('week', local_date) as date) as week_start,
    cast(date_trunc('month', local_date) as date) as month_start,
    cast(date_trunc('quarter', local_date) as date) as quarter_start
from bounded
where end_at <= closed_at
    and (last_day is null or local_date <= last_day)
