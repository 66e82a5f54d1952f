-- Nobody carries an order before its first scan.
with orders as (
    select * from {{ source('marts', 'fct_orders__orders') }}
),

stages as (
    select
        'approve' as stage,
        approved_date as stage_date,
        cast(null as string) as carrier,
        first_warehouse as warehouse,
        delivery_country as country,
        approve_hours as stage_hours
    from orders
    union all
    select
        'pick' as stage,
        picked_date as stage_date,
        cast(null as string) as carrier,
        first_warehouse as warehouse,
        delivery_country as country,
        pick_hours as stage_hours
    from orders
    union all
    select
        'ship' as stage,
        first_scan_date as stage_date,
        first_carrier as carrier,
        first_warehouse as warehouse,
        delivery_country as country,
        ship_hours as stage_hours
    from orders
    union all
    select
        'transit' as stage,
        last_delivered_date as stage_date,
        last_carrier as carrier,
        last_warehouse as warehouse,
        delivery_country as country,
        transit_hours as stage_hours
    from orders
)

select * from stages
where stage_hours is not null
