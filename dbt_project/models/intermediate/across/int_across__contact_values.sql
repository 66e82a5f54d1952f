-- contact_rate per 100 orders, by order date; unlinked_ticket_share, by creation: what contact_rate cannot see.
with

orders as (
    select * from {{ ref('int_across__order_contacts') }}
),

tickets as (
    select
        tickets.ticket_id,
        tickets.created_date,
        coalesce(nullif(tickets.country, ''), spans.country) as country,
        case when orders.order_id is null then 1 else 0 end as unlinked_count
    from {{ ref('int_support__ticket_facts') }} as tickets
    left join orders on tickets.order_id = orders.order_id
    {{ join_customer_spans('tickets', 'created_date') }}
    where not tickets.is_excluded
        and not tickets.is_merged_away
),

segmented_orders as (
    {{ by_dimension('orders', {'channel': 'channel', 'country': 'country'}) }}
    union all
    {{ by_profile_dimension('orders', ref('int_orders__segments'), 'order_id') }}
),

segmented_tickets as (
    {{ by_dimension('tickets', {'country': 'country'}) }}
    union all
    {{ by_profile_dimension('tickets', ref('int_support__segments'), 'ticket_id') }}
),

daily as (
    select
        'contact_rate' as kpi_id,
        order_date as fact_date,
        dimension,
        segment,
        100 * sum(contact_count) as part,
        count(*) as whole
    from segmented_orders
    group by order_date, dimension, segment
    union all
    select
        'unlinked_ticket_share' as kpi_id,
        created_date as fact_date,
        dimension,
        segment,
        sum(unlinked_count) as part,
        count(*) as whole
    from segmented_tickets
    group by created_date, dimension, segment
),

totals as (
    select
        daily.kpi_id,
        period_days.grain,
        period_days.period_start,
        daily.dimension,
        daily.segment,
        cast(sum(daily.part) as decimal(28, 6)) as numerator,
        cast(sum(daily.whole) as decimal(28, 6)) as denominator
    from daily
    inner join {{ ref('int_calendar__period_days') }} as period_days on daily.fact_date = period_days.local_date
    group by daily.kpi_id, period_days.grain, period_days.period_start, daily.dimension, daily.segment
)

select
    kpi_id,
    grain,
    period_start,
    dimension,
    segment,
    numerator,
    denominator,
    {{ ratio('numerator', 'denominator') }} as value,
    cast(denominator as bigint) as n
from totals
