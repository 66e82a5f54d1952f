{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='refund_id',
    meta={'owner': 'revenue-operations', 'frontier': 'keys', 'stream': 'refunds'},
    post_hook="{{ frontier_record(ref('stg_orders__refunds'), ['refund_id']) }}"
) }}

{{ newest_versions(
    stream='refunds',
    staging=ref('stg_orders__refunds'),
    key=['refund_id'],
    merge_key=['refund_id'],
    version=['updated_at', 'pulled_at', 'landed_date']
) }}
