-- Everybody whom the customers, the orders or the tickets name, as of today; the past of a customer's attributes stands
-- on the facts. No colleagues, and nothing personal: ids are the keyed hashes of the lake.
with

settings as (
    select reporting_zone from {{ ref('int_calendar__settings') }}
),

sign_ups as (
    select
        customer_id,
        min(signed_up_at) as signed_up_at
    from {{ ref('int_customers__customers') }}
    group by customer_id
),

named as (
    select customer_id from sign_ups
    union
    select customer_id from {{ ref('int_orders__order_facts') }}
    union
    select customer_id from {{ ref('int_support__ticket_facts') }}
    where not is_excluded
),

counted as (
    select named.customer_id
    from named
    left join {{ ref('int_identity__internal_people') }} as internal_people
        on named.customer_id = internal_people.person_id
    where nullif(named.customer_id, '') is not null
        and internal_people.person_id is null
),

-- the span that stands before the first dated entry is what is true today
attributes as (
    select * from {{ ref('int_customers__attribute_spans') }}
    where not is_dated
),

sales as (
    select
        customer_id,
        count(*) as order_count,
        sum(net_amount) as net_amount
    from {{ ref('int_orders__order_facts') }}
    group by customer_id
)

select
    counted.customer_id,
    coalesce(nullif(attributes.account_id, ''), counted.customer_id) as account_id,
    sign_ups.customer_id is not null as is_in_customers,
    attributes.plan,
    attributes.country,
    attributes.acquisition_channel,
    attributes.industry,
    sign_ups.signed_up_at,
    cast({{ to_local('sign_ups.signed_up_at', 'settings.reporting_zone') }} as date) as signed_up_date,
    purchases.order_id as first_order_id,
    purchases.ordered_at as first_ordered_at,
    purchases.order_date as first_order_date,
    cast(coalesce(sales.order_count, 0) as bigint) as order_count,
    cast(coalesce(sales.net_amount, 0) as decimal(28, 6)) as net_amount
from counted
cross join settings
left join sign_ups on counted.customer_id = sign_ups.customer_id
left join attributes on counted.customer_id = attributes.customer_id
left join {{ ref('int_retention__first_purchases') }} as purchases on counted.customer_id = purchases.customer_id
left join sales on counted.customer_id = sales.customer_id
