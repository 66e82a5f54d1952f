-- When the help-desk is open: the schedules' hours on the wall clock of their zones, but on holidays, as instants.
-- `micros_before` is the open time before an interval, so that the open time between two instants is a difference.
-- It starts before the first ticket, and ends a month after the watermark: what is due then is known.
with

settings as (
    select reporting_zone from {{ ref('int_calendar__settings') }}
),

watermark as (
    select max(end_at) as closed_at from {{ ref('int_calendar__days') }}
),

bounds as (
    select
        {{ add_days('min(cast(tickets.created_at as date))', -2) }} as first_date,
        {{ add_days('max(cast(watermark.closed_at as date))', 31) }} as last_date
    from {{ ref('int_support__accepted') }} as tickets
    cross join watermark
),

dates as (
    select {{ add_days('bounds.first_date', 'spine.n') }} as local_date
    from bounds
    cross join {{ integers(5) }} as spine
    where spine.n <= {{ days_between('bounds.first_date', 'bounds.last_date') }}
),

hours as (
    select
        schedules.schedule,
        schedules.weekday,
        coalesce(schedules.time_zone, settings.reporting_zone) as zone,
        cast(split_part(schedules.opens_at, ':', 1) as bigint) * 60
        + cast(split_part(schedules.opens_at, ':', 2) as bigint) as opens_minute,
        cast(split_part(schedules.closes_at, ':', 1) as bigint) * 60
        + cast(split_part(schedules.closes_at, ':', 2) as bigint) as closes_minute
    from {{ ref('profile_business_schedules') }} as schedules
    cross join settings
),

open_days as (
    select
        hours.schedule,
        hours.zone,
        hours.opens_minute,
        hours.closes_minute,
        cast(dates.local_date as timestamp) as midnight
    from dates
    inner join hours on {{ iso_dow('dates.local_date') }} = hours.weekday
    left join {{ ref('profile_holidays') }} as holidays
        on dates.local_date = holidays.holiday_date
        and hours.schedule = coalesce(holidays.schedule, hours.schedule)
    where holidays.holiday_date is null
),

instants as (
    select
        schedule,
        {{ from_local(add_micros('midnight', 'opens_minute * 60000000'), 'zone') }} as opens_at,
        {{ from_local(add_micros('midnight', 'closes_minute * 60000000'), 'zone') }} as closes_at
    from open_days
)

select
    schedule,
    opens_at,
    closes_at,
    cast(
        coalesce(
            sum({{ micros_between('opens_at', 'closes_at') }}) over (
                partition by schedule
                order by opens_at
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as bigint
    ) as micros_before
from instants
where closes_at > opens_at
