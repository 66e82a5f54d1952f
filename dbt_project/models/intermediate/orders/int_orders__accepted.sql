-- Who counts: no test orders, nobody of the company itself. An order that only refunds speak of is here too, unknown in
-- all its attributes: a link to a row that is not there costs no money.
with

settings as (
    select reporting_zone from {{ ref('int_calendar__settings') }}
),

watermark as (
    select max(end_at) as closed_at from {{ ref('int_calendar__days') }}
),

internal_people as (
    select person_id from {{ ref('int_identity__internal_people') }}
),

counted as (
    select
        orders.*,
        settings.reporting_zone,
        cast({{ to_local('orders.ordered_at', 'settings.reporting_zone') }} as date) as order_date
    from {{ ref('int_orders__orders') }} as orders
    cross join settings
    left join internal_people on orders.customer_id = internal_people.person_id
    where not coalesce(orders.is_test, false)
        and internal_people.person_id is null
),

dated as (
    select
        counted.order_id,
        counted.customer_id,
        counted.account_id,
        counted.ordered_at,
        counted.order_date,
        counted.channel,
        coalesce(nullif(counted.country, ''), spans.country) as country,
        coalesce(nullif(counted.acquisition_channel, ''), spans.acquisition_channel) as acquisition_channel,
        coalesce(nullif(counted.plan, ''), spans.plan) as plan,
        (nullif(counted.country, '') is null and spans.country is not null) as is_country_of_customer,
        (
            (nullif(counted.country, '') is null and spans.country is not null)
            or (nullif(counted.acquisition_channel, '') is null and spans.acquisition_channel is not null)
            or (nullif(counted.plan, '') is null and spans.plan is not null)
        ) as is_attribute_of_customer,
        counted.currency,
        cast(coalesce(counted.discount_amount, 0) as decimal(18, 4)) as order_discount_amount,
        case when counted.cancelled_at < watermark.closed_at then counted.cancelled_at end as cancelled_at,
        counted.cancelled_by,
        counted.recurring_interval,
        counted.recurring_amount,
        coalesce(counted.started_at, counted.ordered_at) as started_at,
        counted.ended_at,
        counted.reporting_zone
    from counted
    cross join watermark
    left join {{ ref('int_customers__attribute_spans') }} as spans
        on counted.customer_id = spans.customer_id
        and counted.order_date >= spans.valid_from_date
        and counted.order_date < spans.valid_to_date
),

missing as (
    select
        refunds.order_id,
        min(refunds.currency) as currency
    from {{ ref('int_orders__refunds') }} as refunds
    left join {{ ref('int_orders__orders') }} as orders on refunds.order_id = orders.order_id
    where orders.order_id is null
    group by refunds.order_id
)

select
    order_id,
    true as is_known,
    customer_id,
    account_id,
    ordered_at,
    order_date,
    channel,
    country,
    acquisition_channel,
    plan,
    is_country_of_customer,
    is_attribute_of_customer,
    currency,
    order_discount_amount,
    cancelled_at,
    cancelled_by,
    cast({{ to_local('cancelled_at', 'reporting_zone') }} as date) as cancelled_date,
    recurring_interval,
    recurring_amount,
    cast({{ to_local('started_at', 'reporting_zone') }} as date) as start_date,
    cast({{ to_local('ended_at', 'reporting_zone') }} as date) as end_date
from dated
union all
select
    order_id,
    false as is_known,
    cast(null as string) as customer_id,
    cast(null as string) as account_id,
    cast(null as timestamp) as ordered_at,
    cast(null as date) as order_date,
    cast(null as string) as channel,
    cast(null as string) as country,
    cast(null as string) as acquisition_channel,
    cast(null as string) as plan,
    false as is_country_of_customer,
    false as is_attribute_of_customer,
    currency,
    cast(0 as decimal(18, 4)) as order_discount_amount,
    cast(null as timestamp) as cancelled_at,
    cast(null as string) as cancelled_by,
    cast(null as date) as cancelled_date,
    cast(null as string) as recurring_interval,
    cast(null as decimal(18, 4)) as recurring_amount,
    cast(null as date) as start_date,
    cast(null as date) as end_date
from missing
