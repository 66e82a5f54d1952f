-- A landing day is whole when it has landed and no row of it can be in a hole. Rows that move leave their landing day
-- when they change: a row of day d that had changed before d was pulled first is on one of the days up to that pull.
-- `whole_through` counts the whole days up to a day: two look-ups say whether a range of days is.
with

settings as (
    select * from {{ ref('int_calendar__settings') }}
),

streams as (
    select * from {{ ref('int_calendar__streams') }}
),

newest as (
    select max(watermark_date) as watermark_date
    from streams
),

moving as (
    select key as stream
    from {{ ref('profile_settings') }}
    where section = 'moving_stream'
        and value = 'true'
),

landed as (
    select
        plan.stream,
        plan.landed_date,
        cast({{ to_local('plan.first_landed_at', 'settings.landing_zone') }} as date) as pulled_date
    from {{ ref('lake_plan') }} as plan
    cross join settings
    where plan.is_landed
),

-- Starts a little before the first day: a day of the reporting zone may begin on an earlier landing day.
spine as (
    select
        streams.stream,
        streams.watermark_date,
        {{ add_days('settings.first_day', 'numbers.n - 3') }} as landed_date
    from streams
    cross join settings
    cross join newest
    cross join {{ integers(5) }} as numbers
    where numbers.n <= {{ days_between('settings.first_day', 'newest.watermark_date') }} + 3
),

counted as (
    select
        spine.stream,
        spine.landed_date,
        landed.landed_date is not null as is_landed,
        case
            when moving.stream is null then spine.landed_date
            else greatest(spine.landed_date, least(landed.pulled_date, spine.watermark_date))
        end as reach_date,
        count(landed.landed_date) over (
            partition by spine.stream
            order by spine.landed_date
            rows between unbounded preceding and current row
        ) as landed_through
    from spine
    left join landed
        on spine.stream = landed.stream
        and spine.landed_date = landed.landed_date
    left join moving on spine.stream = moving.stream
),

judged as (
    select
        counted.stream,
        counted.landed_date,
        counted.is_landed,
        counted.is_landed
        and reached.landed_through - counted.landed_through
        = {{ days_between('counted.landed_date', 'counted.reach_date') }} as is_whole
    from counted
    left join counted as reached
        on counted.stream = reached.stream
        and counted.reach_date = reached.landed_date
)

select
    stream,
    landed_date,
    is_landed,
    coalesce(is_whole, false) as is_whole,
    cast(
        count(*) filter (where is_whole) over (
            partition by stream
            order by landed_date
            rows between unbounded preceding and current row
        ) as bigint
    ) as whole_through
from judged
