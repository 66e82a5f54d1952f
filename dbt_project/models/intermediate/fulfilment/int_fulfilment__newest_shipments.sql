{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='shipment_id',
    meta={'owner': 'operations', 'frontier': 'keys', 'stream': 'shipments'},
    post_hook="{{ frontier_record(ref('stg_fulfilment__shipments'), ['shipment_id']) }}"
) }}

{{ newest_versions(
    stream='shipments',
    staging=ref('stg_fulfilment__shipments'),
    key=['shipment_id'],
    merge_key=['shipment_id'],
    version=['updated_at', 'pulled_at', 'landed_date']
) }}
