-- The frontier by event days has recorded which landings it holds and on which days; the counts, what they were made
-- of. A skewed clock before the first day of the data touches nothing.
with held as (
    select
        landed_date,
        day_version,
        event_days
    from {{ applied_partitions() }}
    where model = 'int_usage__actor_days'
),

counted as (
    select
        landed_date,
        day_version,
        event_days,
        applied_at
    from {{ applied_partitions() }}
    where model = 'int_engagement__day_counts'
),

changed as (
    select
        held.event_days,
        counted.event_days as counted_days
    from held
    full join counted on held.landed_date = counted.landed_date
    where held.day_version is distinct from counted.day_version
),

touched as (
    select event_days from changed
    union all
    select counted_days as event_days from changed
),

touched_days as (
    select min(days.event_date) as from_date
    from touched
    {{ explode_join('touched.event_days', 'days', 'event_date') }}
    inner join {{ ref('int_calendar__settings') }} as settings on days.event_date >= settings.first_day
),

states as (
    select max(applied_at) as counted_at
    from counted
)

select
    settings.first_day,
    {%- if counts_are_rebuilt() %}
    settings.first_day as from_date,
    cast(null as timestamp) as counted_at
    {%- else %}
    coalesce(touched_days.from_date, date '9999-12-31') as from_date,
    states.counted_at
    {%- endif %}
from {{ ref('int_calendar__settings') }} as settings
cross join touched_days
cross join states
-- depends_on: {{ ref('int_usage__actor_days') }}, {{ ref('int_usage__session_islands') }}
