{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='customer_id',
    meta={'owner': 'customer-success', 'frontier': 'keys', 'stream': 'customers'},
    post_hook="{{ frontier_record(ref('stg_customers__customers'), ['customer_id']) }}"
) }}

{{ newest_versions(
    stream='customers',
    staging=ref('stg_customers__customers'),
    key=['customer_id', 'valid_from_at'],
    merge_key=['customer_id'],
    version=['updated_at', 'pulled_at', 'landed_date']
) }}
