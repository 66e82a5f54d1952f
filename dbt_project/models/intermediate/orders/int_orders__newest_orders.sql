{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='order_id',
    meta={'owner': 'revenue-operations', 'frontier': 'keys', 'stream': 'orders'},
    post_hook="{{ frontier_record(ref('stg_orders__orders'), ['order_id']) }}"
) }}

{{ newest_versions(
    stream='orders',
    staging=ref('stg_orders__orders'),
    key=['order_id'],
    merge_key=['order_id'],
    version=['updated_at', 'pulled_at', 'landed_date']
) }}
