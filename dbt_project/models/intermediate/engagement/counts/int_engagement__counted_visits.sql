{{ config(materialized='view') }}

select
    person_key,
    customer_id,
    visited_at,
    visit_date,
    first_active_date,
    platform,
    country,
    plan,
    acquisition_channel,
    is_attribute_of_customer,
    is_plan_or_country_of_customer
from {{ counted_visits() }}
