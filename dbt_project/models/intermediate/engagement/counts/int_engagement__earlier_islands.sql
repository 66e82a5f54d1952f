{%- set columns = [
    'event_date', 'session_key', 'first_at', 'last_at', 'event_count', 'first_event_id', 'anonymous_id', 'user_id',
] %}

-- Sessions that were under way when the first recounted day began: those of the source that go on in it, by their key,
-- and people who were there within thirty minutes of it. Their islands are put in order once more, and weigh nothing.
with keyed as (
    select distinct
        person_key,
        session_key
    from {{ ref('int_engagement__recounted_islands') }}
    where session_key is not null and event_date >= {{ recount_date('from_date') }}
),

keys as (
    select distinct session_key
    from keyed
),

first_islands as (
    select
        person_key,
        min(first_at) as first_at
    from {{ ref('int_engagement__recounted_islands') }}
    where session_key is null and event_date = {{ recount_date('from_date') }}
    group by person_key
),

people_there as (
    select distinct first_islands.person_key
    from {{ ref('int_usage__session_islands') }} as islands
    {{ join_people('islands') }}
    inner join first_islands on people.person_key = first_islands.person_key
    where islands.event_date >= {{ add_days(recount_date('from_date'), -2) }}
        and islands.event_date < {{ recount_date('from_date') }}
        and islands.session_key is null
        and {{ micros_between('islands.last_at', 'first_islands.first_at') }} <= 1800000000
),

moved_people as (
    select distinct person_key
    from {{ ref('int_engagement__moved_actors') }}
),

actors as (
    select
        actor_people.actor_key,
        actor_people.from_date,
        actor_people.to_date,
        actor_people.person_key,
        actor_people.customer_id
    from {{ ref('int_identity__actor_people') }} as actor_people
    left join moved_people on actor_people.person_key = moved_people.person_key
    where moved_people.person_key is null
),

actors_there as (
    select actors.*
    from actors
    inner join people_there on actors.person_key = people_there.person_key
),

earlier as (
    select
        actors.person_key,
        actors.customer_id,
        islands.platform,
        islands.country,
        islands.plan,
        islands.{{ columns | join(',\n        islands.') }}
    from {{ ref('int_usage__session_islands') }} as islands
    inner join keys on islands.session_key = keys.session_key
    inner join actors
        on islands.actor_key = actors.actor_key
        and islands.event_date >= actors.from_date
        and islands.event_date < actors.to_date
    inner join keyed on actors.person_key = keyed.person_key and islands.session_key = keyed.session_key
    where islands.event_date >= {{ recount_date('first_day') }}
        and islands.event_date < {{ recount_date('from_date') }}
    union all
    select
        people.person_key,
        people.customer_id,
        islands.platform,
        islands.country,
        islands.plan,
        islands.{{ columns | join(',\n        islands.') }}
    from {{ ref('int_usage__session_islands') }} as islands
    inner join actors_there as people
        on islands.actor_key = people.actor_key
        and islands.event_date >= people.from_date
        and islands.event_date < people.to_date
    where islands.session_key is null
        and islands.event_date >= {{ recount_date('first_day') }}
        and islands.event_date < {{ recount_date('from_date') }}
)

select
    earlier.person_key,
    {%- for column in columns %}
    earlier.{{ column }},
    {%- endfor %}
    coalesce(nullif(earlier.platform, ''), 'unknown') as platform,
    coalesce(nullif(earlier.country, ''), nullif(spans.country, ''), 'unknown') as country,
    coalesce(nullif(earlier.plan, ''), nullif(spans.plan, ''), 'unknown') as plan
from earlier
left join {{ ref('int_customers__attribute_spans') }} as spans
    on earlier.customer_id = spans.customer_id
    and earlier.event_date >= spans.valid_from_date
    and earlier.event_date < spans.valid_to_date
