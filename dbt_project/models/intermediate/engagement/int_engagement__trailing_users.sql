-- A day of use covers itself and the days after it within the window. Per person the covered days form spans: +1 where
-- one starts, -1 on the day after it ends, and a running sum is the number of people, without comparing days with days.
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

uses as (
    select
        'active' as measure,
        dimension,
        segment,
        person_key,
        event_date
    from {{ ref('int_engagement__segment_days') }}
    union all
    select
        'feature' as measure,
        dimension,
        segment,
        person_key,
        event_date
    from {{ ref('int_engagement__segment_days') }}
    where has_feature
    union all
    select distinct
        'feature' as measure,
        'feature' as dimension,
        feature as segment,
        person_key,
        event_date
    from {{ ref('int_engagement__person_days') }}
    where feature is not null and qualifying_event_count > 0
),

neighbours as (
    select
        uses.measure,
        uses.dimension,
        uses.segment,
        uses.event_date,
        lag(uses.event_date) over (
            partition by uses.measure, uses.dimension, uses.segment, uses.person_key
            order by uses.event_date asc
        ) as previous_date,
        lead(uses.event_date) over (
            partition by uses.measure, uses.dimension, uses.segment, uses.person_key
            order by uses.event_date asc
        ) as next_date
    from uses
    inner join days on uses.event_date = days.local_date
),

steps as (
    select
        neighbours.measure,
        windows.window_days,
        neighbours.dimension,
        neighbours.segment,
        neighbours.event_date as local_date,
        1 as person_days,
        case
            when neighbours.previous_date is null then 1
            when {{ add_days('neighbours.previous_date', 'windows.window_days') }} <= neighbours.event_date then 1
            else 0
        end as step
    from neighbours
    inner join windows on neighbours.measure = windows.measure
    union all
    select
        neighbours.measure,
        windows.window_days,
        neighbours.dimension,
        neighbours.segment,
        {{ add_days('neighbours.event_date', 'windows.window_days') }} as local_date,
        0 as person_days,
        -1 as step
    from neighbours
    inner join windows on neighbours.measure = windows.measure
    where neighbours.next_date is null
        or {{ add_days('neighbours.event_date', 'windows.window_days') }} <= neighbours.next_date
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
        sum(coalesce(daily.person_days, 0)) over (
            partition by spine.measure, spine.window_days, spine.dimension, spine.segment
            order by spine.local_date asc
            rows between 6 preceding and current row
        ) as person_days_7d,
        sum(coalesce(daily.person_days, 0)) over (
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
