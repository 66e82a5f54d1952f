{{ config(materialized='view') }}

select
    customer_id,
    valid_from_date,
    valid_to_date,
    country,
    plan
from {{ counted_attributes() }}
