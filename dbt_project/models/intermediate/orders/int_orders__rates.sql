-- The last rate published on or before a day and at most seven days old, from the pair in either direction.
with

settings as (
    select currency as reporting_currency
    from {{ ref('int_calendar__settings') }}
),

currencies as (
    select currency from {{ ref('int_orders__orders') }}
    union
    select currency from {{ ref('int_orders__refunds') }}
    union
    select reporting_currency as currency from settings
),

pairs as (
    select
        published.rate_date,
        published.base_currency as currency,
        cast(published.rate as decimal(20, 12)) as rate,
        0 as is_inverse
    from {{ ref('int_finance__fx_rates') }} as published
    inner join settings on published.quote_currency = settings.reporting_currency
    union all
    select
        published.rate_date,
        published.quote_currency as currency,
        cast({{ ratio('1', 'published.rate') }} as decimal(20, 12)) as rate,
        1 as is_inverse
    from {{ ref('int_finance__fx_rates') }} as published
    inner join settings on published.base_currency = settings.reporting_currency
),

candidates as (
    select
        currencies.currency,
        days.local_date,
        pairs.rate_date,
        pairs.rate,
        row_number() over (
            partition by currencies.currency, days.local_date
            order by pairs.rate_date desc, pairs.is_inverse
        ) as choice
    from currencies
    inner join settings on currencies.currency <> settings.reporting_currency
    inner join pairs on currencies.currency = pairs.currency
    inner join {{ ref('int_calendar__days') }} as days
        on pairs.rate_date between {{ add_days('days.local_date', -7) }} and days.local_date
)

select
    currency,
    local_date,
    rate_date,
    rate
from candidates
where choice = 1
union all
select
    settings.reporting_currency as currency,
    days.local_date,
    days.local_date as rate_date,
    cast(1 as decimal(20, 12)) as rate
from settings
cross join {{ ref('int_calendar__days') }} as days
