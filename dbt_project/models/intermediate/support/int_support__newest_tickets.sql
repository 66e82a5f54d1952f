{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='ticket_id',
    meta={'owner': 'customer-support', 'frontier': 'keys', 'stream': 'support_tickets'},
    post_hook="{{ frontier_record(ref('stg_support__tickets'), ['ticket_id']) }}"
) }}

{{ newest_versions(
    stream='support_tickets',
    staging=ref('stg_support__tickets'),
    key=['ticket_id'],
    merge_key=['ticket_id'],
    version=['updated_at', 'pulled_at', 'landed_date']
) }}
