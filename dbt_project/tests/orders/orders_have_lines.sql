{{ config(
    description='Orders without a line: they count as orders, and bring nothing.',
    severity='warn',
    meta={'dagster': {'ref': {'name': 'int_orders__order_facts'}}, 'owner': 'revenue-operations', 'subject': 'orders', 'fix': 'Look whether order_items lack landing days (fct_coverage) and backfill them.'}
) }}

with

-- without the stream no link can be told to be broken
configured as (
    select stream from {{ ref('int_calendar__streams') }}
    where stream = 'order_items'
)

select
    facts.order_id,
    facts.ordered_at
from {{ ref('int_orders__order_facts') }} as facts
cross join configured
where facts.line_count = 0
