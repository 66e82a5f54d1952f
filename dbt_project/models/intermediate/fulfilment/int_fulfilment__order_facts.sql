-- From placed to delivered: all derived times of the orders that count, and what can be said of them at the watermark.
with

watermark as (
    select max(end_at) as closed_at from {{ ref('int_calendar__days') }}
),

settings as (
    select reporting_zone from {{ ref('int_calendar__settings') }}
),

lines as (
    select
        order_id,
        bool_or(requires_shipping) as requires_shipping,
        count(*) filter (where requires_shipping and quantity > 0) as line_count,
        count(completed_at) filter (where requires_shipping and quantity > 0) as delivered_count,
        count(*) filter (
            where requires_shipping and quantity > 0 and first_delivery_quantity >= quantity
        ) as delivered_first_count,
        max(completed_at) filter (where requires_shipping and quantity > 0) as completed_at
    from {{ ref('int_fulfilment__line_facts') }}
    group by order_id
),

-- Where it is known what is in the parcels, an order is delivered once all units have come: a parcel that was lost and
-- replaced holds nothing up, and what is not packed yet does. Else it is delivered once all its parcels are.
joined as (
    select
        accepted.order_id,
        accepted.customer_id,
        accepted.account_id,
        coalesce(nullif(orders.country, ''), nullif(parcels.country, ''), accepted.country) as country,
        accepted.is_country_of_customer and nullif(parcels.country, '') is null as is_country_of_customer,
        coalesce(nullif(orders.warehouse, ''), parcels.first_warehouse) as warehouse,
        coalesce(nullif(parcels.last_warehouse, ''), orders.warehouse) as last_warehouse,
        parcels.first_carrier,
        parcels.last_carrier,
        accepted.ordered_at,
        accepted.order_date,
        accepted.cancelled_at,
        case when orders.approved_at < watermark.closed_at then orders.approved_at end as approved_at,
        case when orders.picked_at < watermark.closed_at then orders.picked_at end as picked_at,
        orders.ship_by_at,
        cast({{ to_local('orders.ship_by_at', 'settings.reporting_zone') }} as date) as ship_by_date,
        coalesce(
            cast({{ to_local('orders.first_promised_at', 'settings.reporting_zone') }} as date),
            orders.first_promised_date
        ) as promised_date,
        -- a promised day is kept up to its last instant
        coalesce(
            orders.first_promised_at,
            {{ add_micros(
                'coalesce(days.end_at, ' ~ from_local(add_days('orders.first_promised_date', 1), 'settings.reporting_zone')
                ~ ')', '-1'
            ) }}
        ) as promised_at,
        parcels.first_scan_at,
        parcels.first_delivered_at,
        case
            when coalesce(lines.line_count, 0) > 0 and parcels.has_contents
                then case when lines.delivered_count = lines.line_count then lines.completed_at end
            when parcels.undelivered_count = 0 then parcels.newest_delivered_at
        end as last_delivered_at,
        coalesce(lines.line_count > 0 and lines.delivered_first_count = lines.line_count, false)
            as is_complete_in_first_delivery,
        coalesce(lines.requires_shipping, accepted.recurring_interval is null) as requires_shipping,
        coalesce(parcels.shipment_count, 0) as shipment_count,
        watermark.closed_at as watermark_at,
        settings.reporting_zone
    from {{ ref('int_orders__accepted') }} as accepted
    inner join {{ ref('int_orders__orders') }} as orders on accepted.order_id = orders.order_id
    cross join watermark
    cross join settings
    left join lines on accepted.order_id = lines.order_id
    left join {{ ref('int_fulfilment__order_shipments') }} as parcels on accepted.order_id = parcels.order_id
    left join {{ ref('int_calendar__days') }} as days on orders.first_promised_date = days.local_date
    where accepted.is_known
)

select
    order_id,
    customer_id,
    account_id,
    country,
    is_country_of_customer,
    warehouse,
    last_warehouse,
    first_carrier,
    last_carrier,
    ordered_at,
    order_date,
    cancelled_at,
    approved_at,
    cast({{ to_local('approved_at', 'reporting_zone') }} as date) as approved_date,
    picked_at,
    cast({{ to_local('picked_at', 'reporting_zone') }} as date) as picked_date,
    ship_by_at,
    ship_by_date,
    first_scan_at,
    cast({{ to_local('first_scan_at', 'reporting_zone') }} as date) as first_scan_date,
    promised_at,
    promised_date,
    first_delivered_at,
    last_delivered_at,
    cast({{ to_local('last_delivered_at', 'reporting_zone') }} as date) as last_delivered_date,
    is_complete_in_first_delivery,
    requires_shipping,
    cast(shipment_count as bigint) as shipment_count,
    -- what closes it: the last delivery, or a cancellation before it
    least(last_delivered_at, cancelled_at) as closed_at,
    cast({{ to_local('least(last_delivered_at, cancelled_at)', 'reporting_zone') }} as date) as closed_date,
    -- NULL where nothing was promised or has to be shipped, where it was cancelled, and as long as it is neither kept
    -- nor broken
    case
        when not requires_shipping or cancelled_at is not null then null
        when last_delivered_at is not null then last_delivered_at <= promised_at
        when promised_at < watermark_at then false
    end as is_on_time,
    -- what is cancelled after its first scan was shipped all the same
    case
        when not requires_shipping then null
        when first_scan_at is null and cancelled_at is not null then null
        when first_scan_at > cancelled_at then null
        when first_scan_at is not null then first_scan_at <= ship_by_at
        when ship_by_at < watermark_at then false
    end as is_shipped_on_time
from joined
