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

eve_islands as (
    select
        actor_key,
        event_date,
        last_at
    from {{ ref('int_usage__session_islands') }}
    where event_date >= {{ add_days(recount_date('from_date'), -2) }}
        and event_date < {{ recount_date('from_date') }}
        and session_key is null
),

people_there as (
    select distinct people.person_key
    from {{ ref('int_identity__actor_people') }} as people
    inner join first_islands on people.person_key = first_islands.person_key
    inner join eve_islands
        on people.actor_key = eve_islands.actor_key
        and people.from_date <= eve_islands.event_date
        and people.to_date > eve_islands.event_date
    where {{ micros_between('eve_islands.last_at', 'first_islands.first_at') }} <= 1800000000
),

keyed_islands as (
    select islands.*
    from {{ ref('int_usage__session_islands') }} as islands
    inner join keys on islands.session_key = keys.session_key
    where islands.event_date >= {{ recount_date('first_day') }}
        and islands.event_date < {{ recount_date('from_date') }}
),

actors_there as (
    select actors.*
    from {{ ref('int_identity__actor_people') }} as actors
    inner join people_there on actors.person_key = people_there.person_key
),

earlier as (
    select
        people.person_key,
        people.customer_id,
        islands.platform,
        islands.country,
        islands.plan,
        islands.{{ columns | join(',\n        islands.') }}
    from {{ ref('int_identity__actor_people') }} as people
    inner join keyed_islands as islands
        on people.actor_key = islands.actor_key
        and people.from_date <= islands.event_date
        and people.to_date > islands.event_date
    inner join keyed on people.person_key = keyed.person_key and islands.session_key = keyed.session_key
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
),

moved_people as (
    select distinct person_key
    from {{ ref('int_engagement__moved_actors') }}
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
left join moved_people on earlier.person_key = moved_people.person_key
where moved_people.person_key is null
