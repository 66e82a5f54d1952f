-- Units that were delivered, and how many of them came back. Units of a line that came in several parcels go back in
-- the order in which they came. What names no delivered line is taken from what is left of the order, likewise. Both
-- are numbered from 0 on: a return is of a delivery as far as their numbers overlap.
with

watermark as (
    select max(end_at) as closed_at from {{ ref('int_calendar__days') }}
),

settings as (
    select reporting_zone from {{ ref('int_calendar__settings') }}
),

deliveries as (
    select
        shipments.shipment_id,
        contents.line_id,
        shipments.order_id,
        shipments.delivered_at,
        contents.quantity
    from {{ ref('int_fulfilment__shipments') }} as shipments
    inner join {{ ref('int_fulfilment__shipment_items') }} as contents on shipments.shipment_id = contents.shipment_id
    cross join watermark
    where shipments.delivered_at < watermark.closed_at
        and contents.quantity > 0
),

delivered_lines as (
    select distinct
        order_id,
        line_id
    from deliveries
),

returns as (
    select
        refunds.refund_id,
        refunds.order_id,
        delivered_lines.line_id,
        coalesce(refunds.returned_at, refunds.refunded_at) as returned_at,
        refunds.returned_quantity as quantity
    from {{ ref('int_orders__refunds') }} as refunds
    cross join watermark
    left join delivered_lines
        on refunds.order_id = delivered_lines.order_id
        and refunds.line_id = delivered_lines.line_id
    where refunds.returned_quantity > 0
        and coalesce(refunds.returned_at, refunds.refunded_at) < watermark.closed_at
),

numbered_returns as (
    select
        *,
        sum(quantity) over (
            partition by order_id, line_id
            order by returned_at, refund_id
            rows between unbounded preceding and current row
        ) as to_unit
    from returns
),

numbered_deliveries as (
    select
        *,
        sum(quantity) over (
            partition by order_id, line_id
            order by delivered_at, shipment_id
            rows between unbounded preceding and current row
        ) as to_unit
    from deliveries
),

of_lines as (
    select
        deliveries.shipment_id,
        deliveries.line_id,
        deliveries.delivered_at,
        returns.returned_at,
        least(deliveries.to_unit, returns.to_unit)
        - greatest(deliveries.to_unit - deliveries.quantity, returns.to_unit - returns.quantity) as units
    from numbered_deliveries as deliveries
    inner join numbered_returns as returns
        on deliveries.order_id = returns.order_id
        and deliveries.line_id = returns.line_id
        and deliveries.to_unit > returns.to_unit - returns.quantity
        and returns.to_unit > deliveries.to_unit - deliveries.quantity
),

left_over as (
    select
        deliveries.shipment_id,
        deliveries.line_id,
        deliveries.order_id,
        deliveries.delivered_at,
        deliveries.quantity - coalesce(taken.units, 0) as quantity,
        sum(deliveries.quantity - coalesce(taken.units, 0)) over (
            partition by deliveries.order_id
            order by deliveries.delivered_at, deliveries.shipment_id, deliveries.line_id
            rows between unbounded preceding and current row
        ) as to_unit
    from deliveries
    left join (
        select
            shipment_id,
            line_id,
            sum(units) as units
        from of_lines
        group by shipment_id, line_id
    ) as taken
        on deliveries.shipment_id = taken.shipment_id
        and deliveries.line_id = taken.line_id
),

matched as (
    select * from of_lines
    union all
    select
        left_over.shipment_id,
        left_over.line_id,
        left_over.delivered_at,
        returns.returned_at,
        least(left_over.to_unit, returns.to_unit)
        - greatest(left_over.to_unit - left_over.quantity, returns.to_unit - returns.quantity) as units
    from left_over
    inner join numbered_returns as returns
        on left_over.order_id = returns.order_id
        and left_over.to_unit > returns.to_unit - returns.quantity
        and returns.to_unit > left_over.to_unit - left_over.quantity
    where returns.line_id is null
        and left_over.quantity > 0
),

returned as (
    select
        shipment_id,
        line_id,
        sum(units) as units
    from matched
    where returned_at < {{ add_micros('delivered_at', '2592000000000') }}
    group by shipment_id, line_id
)

select
    deliveries.shipment_id,
    deliveries.line_id,
    deliveries.order_id,
    cast({{ to_local('deliveries.delivered_at', 'settings.reporting_zone') }} as date) as delivered_date,
    accepted.channel,
    accepted.country,
    items.category,
    cast(deliveries.quantity as bigint) as delivered_count,
    cast(coalesce(returned.units, 0) as bigint) as returned_count
from deliveries
inner join {{ ref('int_orders__accepted') }} as accepted on deliveries.order_id = accepted.order_id
cross join settings
left join {{ ref('int_orders__items') }} as items
    on deliveries.order_id = items.order_id
    and deliveries.line_id = items.line_id
left join returned
    on deliveries.shipment_id = returned.shipment_id
    and deliveries.line_id = returned.line_id
where accepted.is_known
