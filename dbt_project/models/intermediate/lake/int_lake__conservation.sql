{%- set frontiers = {
    'customers': ref('int_customers__newest_customers'),
    'orders': ref('int_orders__newest_orders'),
    'order_items': ref('int_orders__newest_items'),
    'refunds': ref('int_orders__newest_refunds'),
    'shipments': ref('int_fulfilment__newest_shipments'),
    'shipment_items': ref('int_fulfilment__newest_shipment_items'),
    'support_tickets': ref('int_support__newest_tickets'),
    'survey_responses': ref('int_feedback__newest_survey_responses'),
    'fx_rates': ref('int_finance__newest_fx_rates'),
    'ticket_events': ref('int_support__ticket_events'),
} %}

with standing as (
    {%- for stream, frontier in frontiers.items() %}
    {{ standing_versions(stream, frontier) }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

replaced as (
    select
        applied.stream,
        applied.landed_date,
        coalesce(standing.current_rows, 0) as current_rows,
        coalesce(standing.tombstone_rows, 0) as tombstone_rows,
        applied.accounted_rows
        - coalesce(standing.current_rows, 0)
        - coalesce(standing.tombstone_rows, 0) as replaced_rows
    from {{ ref('int_lake__applied_landings') }} as applied
    left join standing on applied.stream = standing.stream and applied.landed_date = standing.landed_date
    union all
    select
        'usage_events' as stream,
        landed_date,
        current_rows,
        0 as tombstone_rows,
        duplicate_rows as replaced_rows
    from {{ ref('int_usage__event_counts') }}
),

-- an immutable stream has no versions: what does not stand is a repeated delivery
kinds as (
    select
        *,
        stream in ('usage_events', 'ticket_events') as is_immutable
    from replaced
)

select
    lake.stream,
    lake.landed_date,
    lake.row_count as landed,
    cast(coalesce(kinds.current_rows, 0) as bigint) as current,
    cast(case when not kinds.is_immutable then kinds.replaced_rows else 0 end as bigint) as superseded,
    cast(case when kinds.is_immutable then kinds.replaced_rows else 0 end as bigint) as duplicate,
    cast(coalesce(kinds.tombstone_rows, 0) as bigint) as tombstone
from {{ ref('lake_plan') }} as lake
left join kinds on lake.stream = kinds.stream and lake.landed_date = kinds.landed_date
where lake.is_landed
