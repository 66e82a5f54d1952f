-- The accounts of today's customers, and those that only orders or tickets name. A customer without an account is an
-- account of its own. Money lies with the account that the customer belonged to when it was moved.
with

members as (
    select
        account_id,
        count(*) as customer_count,
        min(signed_up_at) as first_signed_up_at,
        min(first_order_date) as first_order_date,
        -- what all customers of the account agree on
        case when min(coalesce(plan, '')) = max(coalesce(plan, '')) then min(plan) end as plan,
        case when min(coalesce(country, '')) = max(coalesce(country, '')) then min(country) end as country,
        case when min(coalesce(industry, '')) = max(coalesce(industry, '')) then min(industry) end as industry
    from {{ ref('dim_customer') }}
    group by account_id
),

sales as (
    select
        account_id,
        sum(net_amount) as net_amount
    from {{ ref('int_across__account_sales') }}
    group by account_id
),

named as (
    select account_id from members
    union
    select account_id from sales
    union
    select account_id from {{ ref('int_orders__order_facts') }}
    union
    select account_id from {{ ref('int_support__ticket_facts') }}
    where not is_excluded
)

select
    named.account_id,
    cast(coalesce(members.customer_count, 0) as bigint) as customer_count,
    members.plan,
    members.country,
    members.industry,
    members.first_signed_up_at,
    members.first_order_date,
    cast(coalesce(sales.net_amount, 0) as decimal(28, 6)) as net_amount
from named
left join members on named.account_id = members.account_id
left join sales on named.account_id = sales.account_id
where nullif(named.account_id, '') is not null
