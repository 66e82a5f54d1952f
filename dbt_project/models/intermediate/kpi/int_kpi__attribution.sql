-- Whether the attributes of a person that a KPI is segmented by came with the fact ('fact'), from a dated history of
-- the customer ('dated'), or are today's ('current'): then the past of those segments changes with the person. One fact
-- before the first dated entry of its customer is enough.
with

customers as (
    select
        customer_id,
        min(case when is_dated then valid_from_date end) as dated_from
    from {{ ref('int_customers__attribute_spans') }}
    group by customer_id
),

-- where the customer said what the fact did not
visits as (
    select
        customer_id,
        visit_date as fact_date,
        is_plan_or_country_of_customer
    from {{ ref('int_engagement__first_visits') }}
    where is_attribute_of_customer
),

order_facts as (
    select
        customer_id,
        order_date as fact_date
    from {{ ref('int_orders__order_facts') }}
    where is_country_of_customer
),

-- Before the first event that names the user there may be others, of a device: the first visit speaks for them.
uses as (
    select
        coalesce(user_id, same_day_user_id) as customer_id,
        min(event_date) as fact_date
    from {{ ref('int_usage__actor_days') }}
    where (nullif(plan, '') is null or nullif(country, '') is null)
        and coalesce(user_id, same_day_user_id) is not null
    group by coalesce(user_id, same_day_user_id)
    union all
    select
        customer_id,
        fact_date
    from visits
    where is_plan_or_country_of_customer
),

facts as (
    select
        'orders' as domain,
        customer_id,
        fact_date
    from order_facts
    union all
    select
        'fulfilment' as domain,
        customer_id,
        order_date as fact_date
    from {{ ref('int_fulfilment__order_facts') }}
    where is_country_of_customer
    union all
    select
        'feedback' as domain,
        customer_id,
        answer_date as fact_date
    from {{ ref('int_feedback__answers') }}
    where is_attribute_of_customer
    union all
    select
        'feedback' as domain,
        customer_id,
        attribute_date as fact_date
    from {{ ref('int_feedback__surveys') }}
    where is_attribute_of_customer
    union all
    select
        'retention' as domain,
        customer_id,
        order_date as fact_date
    from {{ ref('int_retention__first_purchases') }}
    where is_attribute_of_customer
    union all
    select
        'retention' as domain,
        customer_id,
        fact_date
    from visits
    union all
    select
        'conversion' as domain,
        customer_id,
        event_date as fact_date
    from {{ ref('int_conversion__milestones') }}
    where is_attribute_of_customer
    union all
    select
        'conversion' as domain,
        customer_id,
        fact_date
    from visits
    union all
    select
        'engagement' as domain,
        customer_id,
        fact_date
    from uses
    union all
    -- the country of the domain across comes from orders, people and tickets
    select
        'across' as domain,
        customer_id,
        fact_date
    from order_facts
    union all
    select
        'across' as domain,
        customer_id,
        fact_date
    from uses
    union all
    select
        'across' as domain,
        customer_id,
        created_date as fact_date
    from {{ ref('int_support__ticket_facts') }}
    where nullif(country, '') is null
),

judged as (
    select
        facts.domain,
        bool_or(coalesce(facts.fact_date < customers.dated_from, true)) as is_of_today
    from facts
    inner join customers on facts.customer_id = customers.customer_id
    group by facts.domain
),

domains as (
    select distinct domain from {{ ref('kpi_catalogue') }}
)

select
    domains.domain,
    case
        when judged.is_of_today is null then 'fact'
        when judged.is_of_today then 'current'
        else 'dated'
    end as attribution
from domains
left join judged on domains.domain = judged.domain
