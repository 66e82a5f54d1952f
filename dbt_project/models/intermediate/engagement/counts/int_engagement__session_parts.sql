{{ config(materialized='view') }}
{%- set columns = [
    'person_key', 'event_date', 'session_key', 'first_at', 'last_at', 'event_count', 'first_event_id', 'anonymous_id',
    'user_id', 'platform', 'country', 'plan',
] %}

-- Islands of all raw actors of a person are joined where they touch, across midnight too. A session of the source is
-- one session of its person, however long its gaps; else a gap of more than thirty minutes starts another. What an
-- island adds to its session follows from the islands before it alone: a later one takes nothing back.
with settings as (
    select reporting_zone
    from {{ ref('int_calendar__settings') }}
),

islands as (
    select
        {%- for column in columns %}
        {{ column }},
        {%- endfor %}
        is_former,
        weight
    from {{ ref('int_engagement__recounted_islands') }}
    union all
    select
        {%- for column in columns %}
        {{ column }},
        {%- endfor %}
        false as is_former,
        0 as weight
    from {{ ref('int_engagement__earlier_islands') }}
),

reached as (
    select
        islands.*,
        max(islands.last_at) over (
            partition by islands.person_key, islands.session_key, islands.is_former
            order by
                islands.first_at asc,
                islands.first_event_id asc,
                islands.last_at asc,
                islands.anonymous_id asc nulls last,
                islands.user_id asc nulls last
            rows between unbounded preceding and 1 preceding
        ) as reached_at
    from islands
    inner join {{ ref('int_engagement__touching_islands') }} as touching
        on islands.person_key = touching.person_key
        and islands.first_at = touching.first_at
        and islands.is_former = touching.is_former
        and islands.session_key is not distinct from touching.session_key
),

marked as (
    select
        *,
        case
            when reached_at is null then 1
            when session_key is not null then 0
            when {{ micros_between('reached_at', 'first_at') }} > 1800000000 then 1
            else 0
        end as is_start
    from reached
),

numbered as (
    select
        *,
        sum(is_start) over (
            partition by person_key, session_key, is_former
            order by first_at asc, first_event_id asc, last_at asc, anonymous_id asc nulls last, user_id asc nulls last
            rows between unbounded preceding and current row
        ) as session_number,
        case when is_start = 1 then last_at else greatest(reached_at, last_at) end as reached_to_at
    from marked
),

sessions as (
    select
        is_former,
        person_key,
        session_key,
        session_number,
        min(event_date) as session_date,
        min(first_at) as started_at,
        max(platform) filter (where is_start = 1) as platform,
        max(country) filter (where is_start = 1) as country,
        max(plan) filter (where is_start = 1) as plan
    from numbered
    group by is_former, person_key, session_key, session_number
),

counted as (
    select
        numbered.weight,
        numbered.event_date,
        numbered.event_count,
        sessions.session_date,
        sessions.started_at,
        sessions.platform,
        sessions.country,
        sessions.plan,
        case
            when numbered.is_start = 0
                then {{ micros_between('sessions.started_at', 'numbered.reached_at') }} / 86400000000.0
        end as days_before,
        {{ micros_between('sessions.started_at', 'numbered.reached_to_at') }} / 86400000000.0 as days_after
    from numbered
    inner join sessions
        on numbered.person_key = sessions.person_key
        and numbered.session_number = sessions.session_number
        and numbered.is_former = sessions.is_former
        and numbered.session_key is not distinct from sessions.session_key
    where numbered.weight <> 0
),

-- cut after 24 hours: the session counts again at its start + k x 24 h as long as it goes on after that instant
cuts as (
    select
        *,
        case when days_before is null then 0 else greatest(cast(ceil(days_before) as int), 1) end as part_count_before,
        greatest(cast(ceil(days_after) as int), 1) as part_count
    from counted
),

parts as (
    select
        cuts.*,
        cuts.part_count_before + cut.number as part
    from cuts
    {{ explode_join(zero_to('cuts.part_count - cuts.part_count_before'), 'cut', 'number') }}
)

select
    parts.event_date,
    case
        when parts.part = 0 then parts.session_date
        else cast({{ to_local(
            add_micros('parts.started_at', 'parts.part * 86400000000'), 'settings.reporting_zone'
        ) }} as date)
    end as started_date,
    parts.platform,
    parts.country,
    parts.plan,
    parts.weight as session_count,
    0 as event_count
from parts
cross join settings
union all
select
    event_date,
    session_date as started_date,
    platform,
    country,
    plan,
    0 as session_count,
    weight * event_count as event_count
from counted
