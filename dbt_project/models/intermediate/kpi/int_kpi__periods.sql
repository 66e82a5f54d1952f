-- The periods that each KPI is published for, and whether all days that it needs are whole in all its streams.
with

settings as (
    select
        first_day,
        reporting_zone
    from {{ ref('int_calendar__settings') }}
),

days as (
    select
        local_date,
        landing_from_date,
        landing_to_date
    from {{ ref('int_calendar__days') }}
),

published as (
    select
        available.kpi_id,
        periods.grain,
        periods.period_start,
        periods.period_end,
        periods.previous_start,
        periods.last_date,
        available.last_date as kpi_last_date,
        -- where the clock goes forward meanwhile, N x 24 hours reach into one more local day
        case
            when available.cohort_window_days = 0 then periods.last_date
            else cast({{ to_local(
                add_micros('periods.period_end_at', 'available.cohort_window_days * 86400000000 - 1'),
                'settings.reporting_zone'
            ) }} as date)
        end as window_last_date,
        available.settle_days
    from {{ ref('int_kpi__availability') }} as available
    cross join settings
    inner join {{ ref('kpi_catalogue') }} as catalogue on available.kpi_id = catalogue.kpi_id
    inner join {{ ref('int_calendar__periods') }} as periods
        on periods.landing_to_date <= available.watermark_date
        and ' ' || catalogue.grains || ' ' like '% ' || periods.grain || ' %'
    where available.is_available
),

-- A cohort needs the days of its window too, as far as they have passed.
needed as (
    select
        published.*,
        {{ add_days('published.window_last_date', 'published.settle_days') }} <= published.kpi_last_date as is_mature,
        needs.stream,
        needs.lookback,
        least(published.window_last_date, published.kpi_last_date) as to_date,
        case
            when needs.lookback = 'period' then published.period_start
            when needs.lookback = 'all' then settings.first_day
            when needs.lookback = 'previous' then published.previous_start
            -- what is the first ever of somebody cannot be told in the first 28 days
            when needs.lookback = 'first_ever'
                then least(settings.first_day, {{ add_days('published.period_start', -28) }})
            else {{ add_days('published.period_end', '-try_cast(needs.lookback as int)') }}
        end as from_date
    from published
    cross join settings
    inner join {{ ref('int_kpi__needs') }} as needs on published.kpi_id = needs.kpi_id
),

ranges as (
    select
        needed.*,
        -- what landed since the first landing day is all that there is
        case
            when needed.lookback in ('all', 'first_ever') and needed.from_date = settings.first_day
                then settings.first_day
            else first_days.landing_from_date
        end as landing_from_date,
        last_days.landing_to_date
    from needed
    cross join settings
    inner join days as last_days on needed.to_date = last_days.local_date
    left join days as first_days on needed.from_date = first_days.local_date
)

select
    ranges.kpi_id,
    ranges.grain,
    ranges.period_start,
    ranges.is_mature,
    bool_and(
        coalesce(
            up_to.whole_through - earlier.whole_through
            = {{ days_between('ranges.landing_from_date', 'ranges.landing_to_date') }} + 1,
            false
        )
    ) as is_complete
from ranges
left join {{ ref('int_calendar__stream_days') }} as up_to
    on ranges.stream = up_to.stream
    and ranges.landing_to_date = up_to.landed_date
left join {{ ref('int_calendar__stream_days') }} as earlier
    on ranges.stream = earlier.stream
    and {{ add_days('ranges.landing_from_date', -1) }} = earlier.landed_date
group by ranges.kpi_id, ranges.grain, ranges.period_start, ranges.is_mature
