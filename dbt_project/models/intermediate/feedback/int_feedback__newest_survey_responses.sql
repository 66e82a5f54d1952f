{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='response_id',
    meta={'owner': 'customer-success', 'frontier': 'keys', 'stream': 'survey_responses'},
    post_hook="{{ frontier_record(ref('stg_feedback__survey_responses'), ['response_id']) }}"
) }}

{{ newest_versions(
    stream='survey_responses',
    staging=ref('stg_feedback__survey_responses'),
    key=['response_id'],
    merge_key=['response_id'],
    version=['updated_at', 'pulled_at', 'landed_date']
) }}
