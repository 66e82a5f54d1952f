-- How often people asked about an order within 30 days of it. Spam, colleagues' tickets and those merged into another
-- are no contacts; what is asked after the last closed day has not been asked yet.
with

watermark as (
    select max(end_at) as closed_at from {{ ref('int_calendar__days') }}
),

orders as (
    select
        order_id,
        ordered_at,
        order_date,
        channel,
        country
    from {{ ref('int_orders__accepted') }}
    where is_known
),

contacts as (
    select
        orders.order_id,
        count(*) as contact_count
    from {{ ref('int_support__ticket_facts') }} as tickets
    cross join watermark
    inner join orders on tickets.order_id = orders.order_id
    where not tickets.is_excluded
        and not tickets.is_merged_away
        and tickets.created_at >= orders.ordered_at
        and tickets.created_at < {{ add_micros('orders.ordered_at', '2592000000000') }}
        and tickets.created_at < watermark.closed_at
    group by orders.order_id
)

select
    orders.order_id,
    orders.order_date,
    orders.channel,
    orders.country,
    cast(coalesce(contacts.contact_count, 0) as bigint) as contact_count
from orders
left join contacts on orders.order_id = contacts.order_id
