{{ config(materialized='view') }}

-- The map is remembered by the transaction that counts, so it is no model itself.
select
    actor_key,
    from_date,
    to_date,
    person_key,
    customer_id
from {{ counted_people() }}
