{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='order_id',
    meta={'owner': 'revenue-operations', 'frontier': 'keys', 'stream': 'order_items'},
    post_hook="{{ frontier_record(ref('stg_orders__order_items'), ['order_id']) }}"
) }}

{{ newest_versions(
    stream='order_items',
    staging=ref('stg_orders__order_items'),
    key=['order_id', 'line_id'],
    merge_key=['order_id'],
    version=['updated_at', 'pulled_at', 'landed_date'],
    set_key='order_id'
) }}
