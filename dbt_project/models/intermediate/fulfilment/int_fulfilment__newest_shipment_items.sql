{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='shipment_id',
    meta={'owner': 'operations', 'frontier': 'keys', 'stream': 'shipment_items'},
    post_hook="{{ frontier_record(ref('stg_fulfilment__shipment_items'), ['shipment_id']) }}"
) }}

{{ newest_versions(
    stream='shipment_items',
    staging=ref('stg_fulfilment__shipment_items'),
    key=['shipment_id', 'line_id'],
    merge_key=['shipment_id'],
    version=['updated_at', 'pulled_at', 'landed_date'],
    set_key='shipment_id'
) }}
