-- late_delivery_contact_lift: how much more often late orders are asked about than those on time, by order date. The
-- two rates are divided as one fraction, so that both sides stay exact; n is the number of orders that are either.
with

orders as (
    select
        contacts.order_id,
        contacts.order_date,
        contacts.channel,
        contacts.country,
        contacts.contact_count,
        case when journeys.is_on_time then 0 else 1 end as is_late
    from {{ ref('int_across__order_contacts') }} as contacts
    inner join {{ ref('int_fulfilment__order_facts') }} as journeys on contacts.order_id = journeys.order_id
    where journeys.is_on_time is not null
),

segmented as (
    {{ by_dimension('orders', {'channel': 'channel', 'country': 'country'}) }}
    union all
    {{ by_profile_dimension('orders', ref('int_orders__segments'), 'order_id') }}
),

totals as (
    select
        period_days.grain,
        period_days.period_start,
        segmented.dimension,
        segmented.segment,
        sum(segmented.is_late) as late_orders,
        sum(1 - segmented.is_late) as punctual_orders,
        sum(segmented.is_late * segmented.contact_count) as late_contacts,
        sum((1 - segmented.is_late) * segmented.contact_count) as punctual_contacts
    from segmented
    inner join {{ ref('int_calendar__period_days') }} as period_days on segmented.order_date = period_days.local_date
    group by period_days.grain, period_days.period_start, segmented.dimension, segmented.segment
),

measured as (
    select
        grain,
        period_start,
        dimension,
        segment,
        cast(late_contacts * punctual_orders as decimal(28, 6)) as numerator,
        cast(punctual_contacts * late_orders as decimal(28, 6)) as denominator,
        cast(late_orders + punctual_orders as bigint) as n
    from totals
)

select
    'late_delivery_contact_lift' as kpi_id,
    grain,
    period_start,
    dimension,
    segment,
    numerator,
    denominator,
    {{ ratio('numerator', 'denominator') }} as value,
    n
from measured
