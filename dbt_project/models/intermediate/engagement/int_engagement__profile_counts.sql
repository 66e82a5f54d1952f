-- What int_engagement__day_counts holds for platform, country and plan, for the dimensions of the profile: these follow
-- the customer, and nothing of them is kept. One sweep over the days of each person in a segment. A day that stands on
-- several rows has a gap of 0 on all but the first of them.
with

-- who could have done something comes before what was done: without a dimension no day is read
people as (
    select
        actors.actor_key,
        actors.from_date,
        actors.to_date,
        actors.person_key,
        actors.customer_id,
        asked.dimension
    from {{ ref('int_identity__actor_people') }} as actors
    cross join {{ asked_dimensions(
        "counted_stream = 'customers' and (domain = 'engagement' or kpi_id = 'inactivity_rate')"
    ) }} as asked
),

asked as (
    select
        people.dimension,
        people.person_key,
        people.customer_id,
        days.event_date,
        days.has_feature,
        days.qualifying_event_count,
        days.reporting_event_count,
        days.counted_use_count,
        days.error_count
    from {{ ref('int_usage__actor_days') }} as days
    inner join people
        on days.actor_key = people.actor_key
        and days.event_date >= people.from_date
        and days.event_date < people.to_date
    inner join {{ ref('int_calendar__days') }} as calendar on days.event_date = calendar.local_date
),

segmented as (
    select
        asked.*,
        coalesce(spans.segment, 'unknown') as segment
    from asked
    {{ join_customer_segments('asked', 'event_date') }}
),

neighbours as (
    select
        dimension,
        segment,
        event_date,
        has_feature,
        lag(event_date) over (
            partition by dimension, segment, person_key
            order by event_date asc
        ) as previous_date,
        max(case when has_feature then event_date end) over (
            partition by dimension, segment, person_key
            order by event_date asc
            rows between unbounded preceding and 1 preceding
        ) as previous_feature_date
    from segmented
    where qualifying_event_count > 0
),

gaps as (
    select
        'active' as measure,
        dimension,
        segment,
        event_date as local_date,
        {{ days_between('previous_date', 'event_date') }} as gap_days
    from neighbours
    union all
    select
        'feature' as measure,
        dimension,
        segment,
        event_date as local_date,
        {{ days_between('previous_feature_date', 'event_date') }} as gap_days
    from neighbours
    where has_feature
),

counts as (
    select
        measure,
        dimension,
        segment,
        local_date,
        gap_days,
        count(*) as amount
    from gaps
    where gap_days is null or gap_days > 0
    group by measure, dimension, segment, local_date, gap_days
    {%- for measure in ['qualifying_event_count', 'reporting_event_count', 'counted_use_count', 'error_count'] %}
    union all
    select
        '{{ measure }}' as measure,
        dimension,
        segment,
        event_date as local_date,
        cast(null as int) as gap_days,
        sum({{ measure }}) as amount
    from segmented
    group by dimension, segment, event_date
    {%- endfor %}
)

select
    measure,
    dimension,
    segment,
    local_date,
    gap_days,
    cast(amount as bigint) as amount
from counts
where amount <> 0
