-- The business settings as one row, so that models join them instead of asking the profile at compile time.
with

business as (
    select
        key as setting,
        value
    from {{ ref('profile_settings') }}
    where section = 'business'
)

select
    max(value) filter (where setting = 'landing_zone') as landing_zone,
    max(value) filter (where setting = 'reporting_zone') as reporting_zone,
    max(value) filter (where setting = 'currency') as currency,
    max(value) filter (where setting = 'refunds') as refunds,
    cast(max(value) filter (where setting = 'fiscal_year_start_month') as int) as fiscal_year_start_month,
    cast(nullif(max(value) filter (where setting = 'first_day'), '') as date) as first_day,
    cast(nullif(max(value) filter (where setting = 'last_day'), '') as date) as last_day
from business
