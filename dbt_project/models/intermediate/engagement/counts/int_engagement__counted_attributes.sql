{{ config(materialized='view') }}

select
    customer_id,
    valid_from_date,
    valid_to_date,
    country,
    plan,
    acquisition_channel
from {{ counted_attributes() }}
