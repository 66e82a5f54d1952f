-- The parcels of an order taken together: the first that was scanned, and the one that arrived last or is awaited
-- still. What happens after the last closed day has not happened yet.
with

watermark as (
    select max(end_at) as closed_at from {{ ref('int_calendar__days') }}
),

happened as (
    select
        shipments.shipment_id,
        shipments.order_id,
        shipments.carrier,
        shipments.warehouse,
        shipments.country,
        case when shipments.shipped_at < watermark.closed_at then shipments.shipped_at end as shipped_at,
        case when shipments.delivered_at < watermark.closed_at then shipments.delivered_at end as delivered_at
    from {{ ref('int_fulfilment__shipments') }} as shipments
    cross join watermark
),

ranked as (
    select
        *,
        row_number() over (
            partition by order_id order by shipped_at asc nulls last, shipment_id
        ) as scan_rank,
        row_number() over (
            partition by order_id order by delivered_at desc nulls first, shipment_id
        ) as arrival_rank
    from happened
),

contents as (
    select distinct order_id from {{ ref('int_fulfilment__shipment_items') }}
)

select
    ranked.order_id,
    count(*) as shipment_count,
    count(*) filter (where ranked.delivered_at is null) as undelivered_count,
    bool_or(contents.order_id is not null) as has_contents,
    min(ranked.shipped_at) as first_scan_at,
    min(ranked.delivered_at) as first_delivered_at,
    max(ranked.delivered_at) as newest_delivered_at,
    max(ranked.carrier) filter (where ranked.scan_rank = 1) as first_carrier,
    max(ranked.warehouse) filter (where ranked.scan_rank = 1) as first_warehouse,
    max(ranked.country) filter (where ranked.scan_rank = 1) as country,
    max(ranked.carrier) filter (where ranked.arrival_rank = 1) as last_carrier,
    max(ranked.warehouse) filter (where ranked.arrival_rank = 1) as last_warehouse
from ranked
left join contents on ranked.order_id = contents.order_id
group by ranked.order_id
