-- Two uses within one block of 28 days are less than 28 days apart, so that a person is a user of the feature all the
-- way from the first to 28 days after the last: of a block only these two days are kept, and only blocks are ordered.
with uses as (
    select
        person_days.person_key,
        person_days.event_date,
        used.feature
    from {{ ref('int_engagement__person_days') }} as person_days
    inner join {{ ref('int_calendar__days') }} as days on person_days.event_date = days.local_date
    {{ explode_join('person_days.features', 'used', 'feature') }}
),

blocks as (
    select
        person_key,
        feature,
        min(event_date) as first_date,
        max(event_date) as last_date
    from uses
    group by person_key, feature, floor({{ days_between("date '2000-01-01'", 'event_date') }} / 28.0)
),

neighbours as (
    select
        feature,
        first_date,
        last_date,
        lag(last_date) over (partition by person_key, feature order by first_date asc) as previous_date
    from blocks
),

steps as (
    select
        feature,
        case
            when {{ add_days('previous_date', 28) }} > first_date then {{ add_days('previous_date', 28) }}
            else first_date
        end as local_date,
        1 as step
    from neighbours
    union all
    select
        feature,
        {{ add_days('last_date', 28) }} as local_date,
        -1 as step
    from neighbours
)

select
    feature,
    local_date,
    cast(sum(step) as bigint) as step
from steps
group by feature, local_date
