-- Whether the attributes of a person that a KPI is segmented by came with the fact ('fact'), from a dated history of
-- the customer ('dated'), or are today's ('current'): then the past of those segments changes with the person.
with

history as (
    select count(*) filter (where value = 'true') as dated_count
    from {{ ref('profile_settings') }}
    where section = 'dated_history'
        and key = 'customers'
),

customers as (
    select count(*) as stream_count
    from {{ ref('int_calendar__streams') }}
    where stream = 'customers'
),

facts as (
    select
        'orders' as domain,
        coalesce(bool_or(is_country_of_customer), false) as is_of_customer
    from {{ ref('int_orders__order_facts') }}
    union all
    select
        'fulfilment' as domain,
        coalesce(bool_or(is_country_of_customer), false) as is_of_customer
    from {{ ref('int_fulfilment__order_facts') }}
    union all
    select
        'feedback' as domain,
        coalesce(bool_or(is_attribute_of_customer), false) as is_of_customer
    from (
        select is_attribute_of_customer from {{ ref('int_feedback__answers') }}
        union all
        select is_attribute_of_customer from {{ ref('int_feedback__surveys') }}
    ) as asked
    union all
    select
        'retention' as domain,
        coalesce(bool_or(is_attribute_of_customer), false) as is_of_customer
    from (
        select is_attribute_of_customer from {{ ref('int_retention__first_purchases') }}
        union all
        select is_attribute_of_customer from {{ ref('int_engagement__first_visits') }}
    ) as entries
    union all
    select
        'conversion' as domain,
        coalesce(bool_or(is_attribute_of_customer), false) as is_of_customer
    from (
        select is_attribute_of_customer from {{ ref('int_conversion__milestones') }}
        union all
        select is_attribute_of_customer from {{ ref('int_engagement__first_visits') }}
    ) as steps
    union all
    select
        'engagement' as domain,
        coalesce(bool_or(plan is null or country is null), false) as is_of_customer
    from {{ ref('int_usage__actor_days') }}
    where coalesce(user_id, same_day_user_id) is not null
),

-- The country of the domain across comes from orders, people and tickets.
judged as (
    select * from facts
    union all
    select
        'across' as domain,
        coalesce(bool_or(is_of_customer), false) as is_of_customer
    from (
        select is_of_customer from facts
        where domain in ('orders', 'engagement')
        union all
        select customer_id is not null and nullif(country, '') is null as is_of_customer
        from {{ ref('int_support__ticket_facts') }}
    ) as sides
)

select
    judged.domain,
    case
        when not judged.is_of_customer or customers.stream_count = 0 then 'fact'
        when history.dated_count > 0 then 'dated'
        else 'current'
    end as attribution
from judged
cross join history
cross join customers
