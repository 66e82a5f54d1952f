{#-
    What the usage frontier models share: which events count, their day, and who an anonymous event of the same day
    turned out to be. `window` is what frontier_days() returned. Both macros expect a CTE `settings` with one row and a
    column `reporting_zone` (see usage_settings). What only events without a user look up is a condition within the join's
    key (`case when user_id is null then anonymous_id end`): beside the key it would cost DuckDB its hash join.
-#}

{#- CTE `settings`: the reporting zone, one row. -#}
{% macro usage_settings() -%}
settings as (
    select value as reporting_zone
    from {{ ref('profile_settings') }}
    where section = 'business' and key = 'reporting_zone'
)
{%- endmacro %}

{#- The day of an event in the reporting zone. -#}
{% macro event_date() -%}
    cast({{ to_local('events.occurred_at', 'settings.reporting_zone') }} as date)
{%- endmacro %}

{#-
    A SELECT of the events to rebuild, each once. The same id with the same content is a repeated delivery, and the
    earliest received stays; the content holds occurred_at, so repeated deliveries share their day. The same id with
    other content is another event.
-#}
{% macro usage_events(staging, window, columns) -%}
    select
        event_date,
        {{ columns | join(',\n        ') }}
    from (
        select
            {{ event_date() }} as event_date,
            {%- for column in columns %}
            events.{{ column }},
            {%- endfor %}
            row_number() over (
                partition by events.event_id, events.content_hash
                order by events.received_at asc nulls last, events.landed_date asc, events.pulled_at asc
            ) as delivery
        from {{ staging }} as events
        cross join settings
        where {{ window.landings }}
    ) as deliveries
    where delivery = 1 and {{ window.days }}
{%- endmacro %}

{#-
    CTEs that end in `same_day_users` (anonymous_id, occurred_at, same_day_user_id): for each instant of an event without
    a user, the user of the next event of the same anonymous id on the same day that has one. An event at the very
    instant of an identify counts as before it. Repeated deliveries change nothing here, so none are removed.
-#}
{% macro same_day_users(staging, window) -%}
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
            {{ event_date() }} as event_date
        from {{ staging }} as events
        cross join settings
        where {{ window.landings }} and events.anonymous_id is not null and events.user_id is not null
    ) as events
    where {{ window.days }}
    group by anonymous_id, event_date, occurred_at
),

identified_days as (
    select distinct
        anonymous_id,
        event_date
    from identified
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
            {{ event_date() }} as event_date
        from {{ staging }} as events
        cross join settings
        where {{ window.landings }} and events.anonymous_id is not null and events.user_id is null
    ) as events
    inner join identified_days
        on events.anonymous_id = identified_days.anonymous_id and events.event_date = identified_days.event_date
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
