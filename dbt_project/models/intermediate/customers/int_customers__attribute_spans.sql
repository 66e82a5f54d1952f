-- Spans cover all time without a gap, so that a fact finds exactly one by customer and date. Before the first dated
-- entry, and where the source keeps no history, today's attributes stand.
with settings as (
    select reporting_zone
    from {{ ref('int_calendar__settings') }}
),

entries as (
    select
        customers.customer_id,
        customers.valid_from_at,
        customers.account_id,
        customers.plan,
        customers.country,
        customers.acquisition_channel,
        customers.industry,
        customers.extra,
        cast({{ to_local('customers.valid_from_at', 'settings.reporting_zone') }} as date) as valid_from_date
    from {{ ref('int_customers__customers') }} as customers
    cross join settings
),

-- the entry without a date is what is true today; a customer that has none is today what its newest entry says
ranked as (
    select
        *,
        row_number() over (
            partition by customer_id
            order by case when valid_from_at is null then 0 else 1 end, valid_from_at desc nulls last
        ) as current_rank,
        row_number() over (
            partition by customer_id, valid_from_date
            order by valid_from_at desc nulls last
        ) as day_rank
    from entries
),

starts as (
    select
        customer_id,
        valid_from_date,
        account_id,
        plan,
        country,
        acquisition_channel,
        industry,
        extra,
        true as is_dated
    from ranked
    where valid_from_date is not null and day_rank = 1
    union all
    select
        customer_id,
        date '0001-01-01' as valid_from_date,
        account_id,
        plan,
        country,
        acquisition_channel,
        industry,
        extra,
        false as is_dated
    from ranked
    where current_rank = 1
)

select
    customer_id,
    valid_from_date,
    coalesce(
        lead(valid_from_date) over (partition by customer_id order by valid_from_date asc), date '9999-12-31'
    ) as valid_to_date,
    account_id,
    plan,
    country,
    acquisition_channel,
    industry,
    extra,
    is_dated
from starts
