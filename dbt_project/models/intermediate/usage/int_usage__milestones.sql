{{ config(
    materialized='incremental',
    incremental_strategy='append',
    meta={
        'owner': 'product-analytics',
        'frontier': 'days',
        'stream': 'usage_events',
        'settings': ['business:reporting_zone', 'business:key_action', 'business:checkout', 'funnel_step'],
    },
    pre_hook="{{ frontier_clear_days() }}",
    post_hook="{{ frontier_record() }}"
) }}

{%- set window = frontier_days('usage_events', ref('stg_usage__events')) %}

with {{ usage_days(ref('stg_usage__events'), window) }},

milestones as (
    select distinct value as event_name
    from {{ ref('profile_settings') }}
    where section = 'funnel_step'
        or (section = 'business' and key in ('key_action', 'checkout') and value <> '')
),

{{ same_day_users(ref('stg_usage__events'), window) }}

-- distinct instants: a repeated delivery and two events of one kind at one instant are one step
select distinct
    local_days.event_date,
    {{ actor_key('events.anonymous_id', 'events.user_id', 'same_day_users.same_day_user_id') }} as actor_key,
    events.event_name,
    events.occurred_at,
    events.platform,
    events.country,
    events.acquisition_channel
from {{ ref('stg_usage__events') }} as events
{{ join_local_days() }}
inner join milestones on events.event_name = milestones.event_name
left join same_day_users
    on case when events.user_id is null then events.anonymous_id end = same_day_users.anonymous_id
    and events.occurred_at = same_day_users.occurred_at
where {{ window.landings }}
