{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['rate_date', 'base_currency', 'quote_currency'],
    meta={'owner': 'finance', 'frontier': 'keys', 'stream': 'fx_rates'},
    post_hook="{{ frontier_record(ref('stg_finance__fx_rates'), ['rate_date', 'base_currency', 'quote_currency']) }}"
) }}

{{ newest_versions(
    stream='fx_rates',
    staging=ref('stg_finance__fx_rates'),
    key=['rate_date', 'base_currency', 'quote_currency'],
    merge_key=['rate_date', 'base_currency', 'quote_currency'],
    version=['updated_at', 'pulled_at', 'landed_date']
) }}
