-- A day of use covers itself and the days after it within the window: +1 where a person begins to be covered (which is
-- where the cover of the day before it ends, should that reach so far), -1 where the cover of a day ends. A running sum
-- is the number of people, without comparing days with days.
with days as (
    select local_date
    from {{ ref('int_calendar__days') }}
),

first_day as (
    select min(local_date) as first_date
    from days
),

windows as (
    select
        lengths.measure,
        lengths.window_days
    from (values ('active', 7), ('active', 28), ('feature', 28)) as lengths (measure, window_days)
),

counts as (
    select
        day_counts.measure,
        windows.window_days,
        day_counts.dimension,
        day_counts.segment,
        day_counts.local_date,
        day_counts.gap_days,
        day_counts.amount as users
    from {{ ref('int_engagement__all_counts') }} as day_counts
    inner join windows on day_counts.measure = windows.measure
),

steps as (
    select
        measure,
        window_days,
        dimension,
        segment,
        case
            when gap_days < window_days then {{ add_days('local_date', 'window_days - gap_days') }} else local_date
        end as local_date,
        users as step,
        cast(null as bigint) as person_days
    from counts
    union all
    select
        measure,
        window_days,
        dimension,
        segment,
        {{ add_days('local_date', 'window_days') }} as local_date,
        -users as step,
        cast(null as bigint) as person_days
    from counts
    union all
    select
        measure,
        window_days,
        dimension,
        segment,
        local_date,
        0 as step,
        case when dimension <> 'feature' then users end as person_days
    from counts
),

daily as (
    select
        measure,
        window_days,
        dimension,
        segment,
        local_date,
        sum(step) as step,
        sum(person_days) as person_days
    from steps
    group by measure, window_days, dimension, segment, local_date
),

segments as (
    select distinct
        measure,
        window_days,
        dimension,
        segment
    from daily
),

-- every segment has every day, so a frame of rows is a frame of days
spine as (
    select
        segments.measure,
        segments.window_days,
        segments.dimension,
        segments.segment,
        days.local_date
    from segments
    cross join days
),

running as (
    select
        spine.measure,
        spine.window_days,
        spine.dimension,
        spine.segment,
        spine.local_date,
        sum(coalesce(daily.step, 0)) over (
            partition by spine.measure, spine.window_days, spine.dimension, spine.segment
            order by spine.local_date asc
            rows between unbounded preceding and current row
        ) as users,
        sum(daily.person_days) over (
            partition by spine.measure, spine.window_days, spine.dimension, spine.segment
            order by spine.local_date asc
            rows between 6 preceding and current row
        ) as person_days_7d,
        sum(daily.person_days) over (
            partition by spine.measure, spine.window_days, spine.dimension, spine.segment
            order by spine.local_date asc
            rows between 27 preceding and current row
        ) as person_days_28d
    from spine
    left join daily
        on spine.measure = daily.measure
        and spine.window_days = daily.window_days
        and spine.dimension = daily.dimension
        and spine.segment = daily.segment
        and spine.local_date = daily.local_date
)

select
    running.measure,
    running.window_days,
    running.dimension,
    running.segment,
    running.local_date,
    cast(running.users as bigint) as users,
    cast(
        case running.window_days when 7 then running.person_days_7d else running.person_days_28d end as bigint
    ) as person_days
from running
cross join first_day
where running.users > 0
    and {{ add_days('running.local_date', '1 - running.window_days') }} >= first_day.first_date
