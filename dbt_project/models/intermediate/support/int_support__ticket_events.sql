{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='event_id',
    meta={'owner': 'customer-support', 'frontier': 'keys', 'stream': 'ticket_events'},
    post_hook="{{ frontier_record(ref('stg_support__ticket_events'), ['event_id']) }}"
) }}

{{ newest_versions(
    stream='ticket_events',
    staging=ref('stg_support__ticket_events'),
    key=['event_id'],
    merge_key=['event_id'],
    version=['landed_date']
) }}
