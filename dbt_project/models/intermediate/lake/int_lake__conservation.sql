{%- set streams = [
    ('customers', ref('stg_customers__customers'), ref('int_customers__newest_customers'), ['customer_id']),
    ('orders', ref('stg_orders__orders'), ref('int_orders__newest_orders'), ['order_id']),
    ('order_items', ref('stg_orders__order_items'), ref('int_orders__newest_items'), ['order_id']),
    ('refunds', ref('stg_orders__refunds'), ref('int_orders__newest_refunds'), ['refund_id']),
    ('shipments', ref('stg_fulfilment__shipments'), ref('int_fulfilment__newest_shipments'), ['shipment_id']),
    ('shipment_items', ref('stg_fulfilment__shipment_items'), ref('int_fulfilment__newest_shipment_items'), ['shipment_id']),
    ('support_tickets', ref('stg_support__tickets'), ref('int_support__newest_tickets'), ['ticket_id']),
    ('survey_responses', ref('stg_feedback__survey_responses'), ref('int_feedback__newest_survey_responses'), ['response_id']),
    ('fx_rates', ref('stg_finance__fx_rates'), ref('int_finance__newest_fx_rates'),
        ['rate_date', 'base_currency', 'quote_currency']),
    ('ticket_events', ref('stg_support__ticket_events'), ref('int_support__ticket_events'), ['event_id']),
] %}

with versions as (
    {%- for stream, staging, frontier, keys in streams %}
    {{ version_conservation(stream, staging, frontier, keys) }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- an immutable stream has no versions: what does not stand is a repeated delivery
accounted as (
    select
        stream,
        landed_date,
        landed_rows,
        current_rows,
        case when stream = 'ticket_events' then 0 else replaced_rows end as superseded_rows,
        case when stream = 'ticket_events' then replaced_rows else 0 end as duplicate_rows,
        tombstone_rows
    from (select *, known_rows - current_rows - tombstone_rows as replaced_rows from versions) as counted
    union all
    select
        'usage_events' as stream,
        landed_date,
        landed_rows,
        current_rows,
        0 as superseded_rows,
        duplicate_rows,
        0 as tombstone_rows
    from {{ ref('int_usage__event_counts') }}
)

select
    lake.stream,
    lake.landed_date,
    lake.row_count as landed,
    cast(coalesce(accounted.current_rows, 0) as bigint) as current,
    cast(coalesce(accounted.superseded_rows, 0) as bigint) as superseded,
    cast(coalesce(accounted.duplicate_rows, 0) as bigint) as duplicate,
    cast(coalesce(accounted.tombstone_rows, 0) as bigint) as tombstone
from {{ ref('lake_plan') }} as lake
left join accounted on lake.stream = accounted.stream and lake.landed_date = accounted.landed_date
where lake.is_landed
