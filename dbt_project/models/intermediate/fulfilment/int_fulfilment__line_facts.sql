-- What came of each line, and when the whole of it had come. Units are counted over the parcels of the order; a parcel
-- that arrives after the last closed day has not arrived yet.
with

watermark as (
    select max(end_at) as closed_at from {{ ref('int_calendar__days') }}
),

lines as (
    select
        items.order_id,
        items.line_id,
        items.quantity,
        coalesce(items.requires_shipping, accepted.recurring_interval is null) as requires_shipping
    from {{ ref('int_orders__items') }} as items
    inner join {{ ref('int_orders__accepted') }} as accepted on items.order_id = accepted.order_id
    where accepted.is_known
),

delivered as (
    select
        shipments.shipment_id,
        shipments.order_id,
        shipments.delivered_at
    from {{ ref('int_fulfilment__shipments') }} as shipments
    cross join watermark
    where shipments.delivered_at < watermark.closed_at
),

first_deliveries as (
    select
        order_id,
        min(delivered_at) as first_delivered_at
    from delivered
    group by order_id
),

arrivals as (
    select
        delivered.order_id,
        contents.line_id,
        delivered.delivered_at,
        sum(contents.quantity) as quantity
    from {{ ref('int_fulfilment__shipment_items') }} as contents
    inner join delivered on contents.shipment_id = delivered.shipment_id
    group by delivered.order_id, contents.line_id, delivered.delivered_at
),

running as (
    select
        order_id,
        line_id,
        delivered_at,
        quantity,
        sum(quantity) over (
            partition by order_id, line_id
            order by delivered_at
            rows between unbounded preceding and current row
        ) as quantity_so_far
    from arrivals
)

select
    lines.order_id,
    lines.line_id,
    lines.quantity,
    lines.requires_shipping,
    cast(
        coalesce(sum(running.quantity) filter (where running.delivered_at = first_deliveries.first_delivered_at), 0)
        as bigint
    ) as first_delivery_quantity,
    min(running.delivered_at) filter (where running.quantity_so_far >= lines.quantity) as completed_at
from lines
left join running
    on lines.order_id = running.order_id
    and lines.line_id = running.line_id
left join first_deliveries on lines.order_id = first_deliveries.order_id
group by lines.order_id, lines.line_id, lines.quantity, lines.requires_shipping
