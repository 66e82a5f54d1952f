-- The rows behind the KPIs of orders and fulfilment, and of those that ask what came of an order: a KPI of a day counts
-- the orders that have that day in its date column. Money that moves on other days than the order's lies in
-- fct_orders__movements.
with

charges as (
    select
        order_id,
        cast(sum(recurring_amount) as decimal(18, 4)) as recurring_amount
    from {{ ref('int_orders__line_facts') }}
    group by order_id
)

select
    accepted.order_id,
    accepted.customer_id,
    accepted.account_id,
    accepted.channel,
    accepted.country,
    accepted.acquisition_channel,
    accepted.plan,
    accepted.ordered_at,
    accepted.order_date,
    facts.line_count,
    facts.unit_count,
    facts.gross_amount,
    facts.discount_amount,
    facts.refund_amount,
    facts.cancelled_amount,
    facts.net_amount,
    accepted.currency as source_currency,
    accepted.recurring_interval,
    charges.recurring_amount as source_recurring_amount,
    accepted.start_date,
    accepted.end_date,
    accepted.cancelled_at,
    accepted.cancelled_date,
    accepted.cancelled_by,
    coalesce(
        accepted.cancelled_at < {{ add_micros('accepted.ordered_at', '2592000000000') }}
        and (fulfilment.first_scan_at is null or accepted.cancelled_at < fulfilment.first_scan_at),
        false
    ) as is_cancelled_before_shipment,
    purchases.order_id is not null as is_first_purchase,
    purchases.is_repeated_in_90_days,
    contacts.contact_count,
    fulfilment.requires_shipping as is_to_be_shipped,
    fulfilment.country as delivery_country,
    fulfilment.warehouse as first_warehouse,
    fulfilment.last_warehouse,
    fulfilment.first_carrier,
    fulfilment.last_carrier,
    fulfilment.shipment_count,
    fulfilment.approved_at,
    fulfilment.approved_date,
    fulfilment.picked_at,
    fulfilment.picked_date,
    fulfilment.ship_by_at,
    fulfilment.ship_by_date,
    fulfilment.first_scan_at,
    fulfilment.first_scan_date,
    fulfilment.promised_at,
    fulfilment.promised_date,
    fulfilment.first_delivered_at,
    fulfilment.last_delivered_at,
    fulfilment.last_delivered_date,
    fulfilment.is_complete_in_first_delivery,
    fulfilment.is_shipped_on_time,
    fulfilment.is_on_time,
    fulfilment.closed_at,
    fulfilment.closed_date,
    cast({{ micros_between('accepted.ordered_at', 'fulfilment.last_delivered_at') }} as double) / 3600000000
        as cycle_time_hours,
    case
        when fulfilment.requires_shipping
            then cast({{ micros_between('accepted.ordered_at', 'fulfilment.approved_at') }} as double) / 3600000000
    end as approve_hours,
    case
        when fulfilment.requires_shipping
            then cast({{ micros_between('fulfilment.approved_at', 'fulfilment.picked_at') }} as double) / 3600000000
    end as pick_hours,
    cast({{ micros_between('fulfilment.picked_at', 'fulfilment.first_scan_at') }} as double) / 3600000000
        as ship_hours,
    cast({{ micros_between('fulfilment.first_scan_at', 'fulfilment.last_delivered_at') }} as double) / 3600000000
        as transit_hours
from {{ ref('int_orders__accepted') }} as accepted
inner join {{ ref('int_orders__order_facts') }} as facts on accepted.order_id = facts.order_id
inner join {{ ref('int_fulfilment__order_facts') }} as fulfilment on accepted.order_id = fulfilment.order_id
inner join {{ ref('int_across__order_contacts') }} as contacts on accepted.order_id = contacts.order_id
left join charges on accepted.order_id = charges.order_id
left join {{ ref('int_retention__first_purchases') }} as purchases on accepted.order_id = purchases.order_id
