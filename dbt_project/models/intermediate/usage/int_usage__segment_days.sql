{{ config(
    materialized='incremental',
    incremental_strategy='append',
    meta={'owner': 'product-analytics', 'frontier': 'days', 'stream': 'usage_events'},
    pre_hook="{{ frontier_clear_days() }}",
    post_hook="{{ frontier_record() }}"
) }}

{%- set days = rollup_days(ref('int_usage__actor_days')) %}

select
    event_date,
    anonymous_id,
    user_id,
    same_day_user_id,
    platform,
    country,
    plan,
    max(customer_id) as customer_id,
    bool_or(is_internal) as is_internal,
    {{ array_set("case when qualifying_event_count > 0 then nullif(feature, '') end") }} as features,
    bool_or(qualifying_event_count > 0 and coalesce(feature, '') <> '') as has_feature,
    cast(sum(event_count) as bigint) as event_count,
    cast(sum(qualifying_event_count) as bigint) as qualifying_event_count,
    cast(sum(reporting_event_count) as bigint) as reporting_event_count,
    cast(sum(counted_use_count) as bigint) as counted_use_count,
    cast(sum(error_count) as bigint) as error_count
from {{ ref('int_usage__actor_days') }}
where {{ days }}
group by
    event_date,
    anonymous_id,
    user_id,
    same_day_user_id,
    platform,
    country,
    plan
