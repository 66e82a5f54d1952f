{#-
    What the usage frontier models share: which events count, their day, and who an anonymous event of the same day
    turned out to be. `window` is what frontier_days() returned. All expect the CTE `local_days` (see usage_days). What only
    events without a user look up is a condition within the join's key (`case when user_id is null then anonymous_id end`):
    beside the key it would cost DuckDB its hash join.
-#}

{#-
    CTE `local_days` (instant, event_date): the days to rebuild in the reporting zone, one row per quarter of an hour that
    has an event. An event finds its day by the start of its quarter: a calendar per event would be half of the frontier's
    cost.
-#}
{% macro usage_days(staging, window) -%}
local_days as (
    select
        instant,
        event_date
    from (
        select
            instants.instant,
            cast({{ to_local('instants.instant', 'settings.value') }} as date) as event_date
        from (
            select distinct {{ quarter_hour('occurred_at') }} as instant
            from {{ staging }}
            where {{ window.landings }}
        ) as instants
        cross join {{ ref('profile_settings') }} as settings
        where settings.section = 'business' and settings.key = 'reporting_zone'
    ) as dated
    where {{ window.days }}
)
{%- endmacro %}

{#- Joins an event with its day; events of other days fall out. -#}
{% macro join_local_days(events='events') -%}
    inner join local_days on {{ quarter_hour(events ~ '.occurred_at') }} = local_days.instant
{%- endmacro %}

{#-
    A SELECT of the events to rebuild, each once. The same id with the same content is a repeated delivery; the content
    holds occurred_at, so repeated deliveries share their day, and all columns that may be asked for here. The same id with
    other content is another event. Only ids that may stand on several rows are ordered: nearly all are single.
-#}
{% macro usage_events(staging, window, columns) -%}
    select
        local_days.event_date,
        events.{{ columns | join(',\n        events.') }}
    from {{ staging }} as events
    {{ join_local_days() }}
    left join ({{ repeated_ids(staging, window) }}) as repeated on {{ short_hash('events.event_id') }} = repeated.id_hash
    where {{ window.landings }} and repeated.id_hash is null
    union all
    select
        event_date,
        {{ columns | join(',\n        ') }}
    from (
        select
            local_days.event_date,
            {%- for column in columns %}
            events.{{ column }},
            {%- endfor %}
            row_number() over (partition by events.event_id, events.content_hash order by events.landed_date) as delivery
        from {{ staging }} as events
        {{ join_local_days() }}
        inner join ({{ repeated_ids(staging, window) }}) as repeated on {{ short_hash('events.event_id') }} = repeated.id_hash
        where {{ window.landings }}
    ) as deliveries
    where delivery = 1
{%- endmacro %}

{#- Short hashes of ids that stand on more than one row. Two ids may share one: a candidate too many does no harm. -#}
{% macro repeated_ids(staging, window) -%}
    select {{ short_hash('events.event_id') }} as id_hash
    from {{ staging }} as events
    {{ join_local_days() }}
    where {{ window.landings }}
    group by {{ short_hash('events.event_id') }}
    having count(*) > 1
{%- endmacro %}

{#-
    CTEs that end in `same_day_users` (anonymous_id, occurred_at, same_day_user_id): for each instant of an event without
    a user, the user of the next event of the same anonymous id on the same day that has one. An event at the very
    instant of an identify counts as before it. Only devices with both kinds of events on a day are ordered; repeated deliveries change
    nothing here, so none are removed.
-#}
{% macro same_day_users(staging, window) -%}
mixed_days as (
    select
        events.anonymous_id,
        local_days.event_date
    from {{ staging }} as events
    {{ join_local_days() }}
    where {{ window.landings }} and events.anonymous_id is not null
    group by events.anonymous_id, local_days.event_date
    having count(events.user_id) > 0 and count(events.user_id) < count(*)
),

identified as (
    select
        anonymous_id,
        event_date,
        occurred_at,
        min(user_id) as user_id
    from (
        select
            events.anonymous_id,
            events.user_id,
            events.occurred_at,
            local_days.event_date
        from {{ staging }} as events
        {{ join_local_days() }}
        inner join mixed_days
            on events.anonymous_id = mixed_days.anonymous_id and local_days.event_date = mixed_days.event_date
        where {{ window.landings }} and events.user_id is not null
    ) as events
    group by anonymous_id, event_date, occurred_at
),

awaiting as (
    select distinct
        events.anonymous_id,
        events.event_date,
        events.occurred_at
    from (
        select
            events.anonymous_id,
            events.occurred_at,
            local_days.event_date
        from {{ staging }} as events
        {{ join_local_days() }}
        where {{ window.landings }} and events.anonymous_id is not null and events.user_id is null
    ) as events
    inner join mixed_days
        on events.anonymous_id = mixed_days.anonymous_id and events.event_date = mixed_days.event_date
),

instants as (
    select
        anonymous_id,
        event_date,
        occurred_at,
        occurred_at as identified_at
    from identified
    union all
    select
        anonymous_id,
        event_date,
        occurred_at,
        cast(null as timestamp) as identified_at
    from awaiting
),

next_identified as (
    select
        anonymous_id,
        occurred_at,
        identified_at,
        min(identified_at) over (
            partition by anonymous_id, event_date
            order by occurred_at asc
            range between current row and unbounded following
        ) as next_identified_at
    from instants
),

same_day_users as (
    select
        next_identified.anonymous_id,
        next_identified.occurred_at,
        identified.user_id as same_day_user_id
    from next_identified
    inner join identified
        on next_identified.anonymous_id = identified.anonymous_id
        and next_identified.next_identified_at = identified.occurred_at
    where next_identified.identified_at is null
)
{%- endmacro %}
