{{ config(
    materialized='incremental',
    incremental_strategy='append',
    meta={
        'owner': 'product-analytics',
        'frontier': 'days',
        'stream': 'usage_events',
        'settings': ['business:reporting_zone', 'passive_event'],
        'seeds': ['feature_map'],
    },
    pre_hook="{{ frontier_clear_days() }}",
    post_hook="{{ frontier_record() }}"
) }}

{%- set window = frontier_days('usage_events', ref('stg_usage__events')) %}
{%- set columns = [
    'event_name', 'occurred_at', 'anonymous_id', 'user_id', 'customer_id', 'platform', 'country', 'plan', 'feature',
    'use_count', 'error_count', 'is_internal',
] %}

with {{ usage_days(ref('stg_usage__events'), window) }},

passive_events as (
    select key as event_name
    from {{ ref('profile_settings') }}
    where section = 'passive_event'
),

events as (
    {{ usage_events(ref('stg_usage__events'), window, columns) }}
),

{{ same_day_users(ref('stg_usage__events'), window) }},

keyed as (
    select
        events.*,
        same_day_users.same_day_user_id,
        {{ actor_key('events.anonymous_id', 'events.user_id', 'same_day_users.same_day_user_id') }} as actor_key,
        passive_events.event_name is null as is_qualifying,
        coalesce(feature_map.feature, events.feature) as named_feature
    from events
    left join {{ ref('profile_feature_map') }} as feature_map on events.feature = feature_map.source_name
    left join passive_events on events.event_name = passive_events.event_name
    left join same_day_users
        on case when events.user_id is null then events.anonymous_id end = same_day_users.anonymous_id
        and events.occurred_at = same_day_users.occurred_at
)

select
    event_date,
    actor_key,
    any_value(anonymous_id) as anonymous_id,
    any_value(user_id) as user_id,
    any_value(same_day_user_id) as same_day_user_id,
    platform,
    country,
    plan,
    max(customer_id) as customer_id,
    bool_or(coalesce(is_internal, false)) as is_internal,
    {{ array_set("case when is_qualifying then nullif(named_feature, '') end") }} as features,
    bool_or(is_qualifying and coalesce(named_feature, '') <> '') as has_feature,
    cast(count(*) as bigint) as event_count,
    cast(count(*) filter (where is_qualifying) as bigint) as qualifying_event_count,
    cast(count(*) filter (where error_count is not null) as bigint) as reporting_event_count,
    cast(coalesce(
        sum(coalesce(use_count, 1)) filter (where error_count is not null), 0
    ) as bigint) as counted_use_count,
    cast(coalesce(sum(error_count), 0) as bigint) as error_count
from keyed
group by event_date, actor_key, platform, country, plan
