-- `landed_through` counts the landed days up to a day: two look-ups say whether a range of days has a hole.
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

landed as (
    select
        stream,
        landed_date
    from {{ ref('lake_plan') }}
    where is_landed
),

-- Starts a little before the first day: a day of the reporting zone may begin on an earlier landing day.
spine as (
    select
        streams.stream,
        {{ add_days('settings.first_day', 'numbers.n - 3') }} as landed_date
    from streams
    cross join settings
    cross join newest
    cross join {{ integers(5) }} as numbers
    where numbers.n <= {{ days_between('settings.first_day', 'newest.watermark_date') }} + 3
)

select
    spine.stream,
    spine.landed_date,
    landed.landed_date is not null as is_landed,
    cast(
        count(landed.landed_date) over (
            partition by spine.stream
            order by spine.landed_date
            rows between unbounded preceding and current row
        ) as bigint
    ) as landed_through
from spine
left join landed
    on spine.stream = landed.stream
    and spine.landed_date = landed.landed_date
