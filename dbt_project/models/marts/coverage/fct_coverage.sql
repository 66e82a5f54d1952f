-- From the first day to the newest day that any stream was asked for: what nobody asked for yet is missing, not good.
with

settings as (
    select first_day from {{ ref('int_calendar__settings') }}
),

attempts as (
    select plan.*
    from {{ ref('lake_plan') }} as plan
    inner join {{ ref('int_calendar__streams') }} as streams on plan.stream = streams.stream
),

newest as (
    select max(landed_date) as newest_date from attempts
),

spine as (
    select
        streams.stream,
        {{ add_days('settings.first_day', 'numbers.n') }} as landed_date
    from {{ ref('int_calendar__streams') }} as streams
    cross join settings
    cross join newest
    cross join {{ integers(5) }} as numbers
    where numbers.n <= {{ days_between('settings.first_day', 'newest.newest_date') }}
    union
    select
        stream,
        landed_date
    from attempts
)

select
    spine.stream,
    spine.landed_date,
    coalesce(attempts.state, 'missing') as state,
    coalesce(attempts.is_landed, false) as is_landed,
    cast(coalesce(attempts.row_count, 0) as bigint) as row_count,
    cast(coalesce(attempts.rejected_count, 0) as bigint) as rejected_count,
    attempts.reason,
    cast(attempts.pulled_at as timestamp) as pulled_at
from spine
left join attempts
    on spine.stream = attempts.stream
    and spine.landed_date = attempts.landed_date
