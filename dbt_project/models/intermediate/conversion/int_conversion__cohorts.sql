-- visitor_conversion, activation, checkout_abandonment: who entered a cohort when, and what came of it in its window.
with

settings as (
    select
        max(case when key = 'key_action' then value end) as key_action,
        max(case when key = 'checkout' then value end) as checkout
    from {{ ref('profile_settings') }}
    where section = 'business'
),

zone as (
    select reporting_zone from {{ ref('int_calendar__settings') }}
),

orders as (
    select
        customer_id,
        ordered_at
    from {{ ref('int_orders__order_facts') }}
    where customer_id is not null
),

visits as (
    select
        'visitor_conversion' as kpi_id,
        person_key,
        customer_id,
        visited_at as entered_at,
        visit_date as entry_date,
        platform,
        country,
        acquisition_channel
    from {{ ref('int_engagement__first_visits') }}
),

checkouts as (
    select
        'checkout_abandonment' as kpi_id,
        milestones.person_key,
        milestones.customer_id,
        milestones.occurred_at as entered_at,
        milestones.event_date as entry_date,
        milestones.platform,
        milestones.country,
        milestones.acquisition_channel
    from {{ ref('int_conversion__milestones') }} as milestones
    inner join settings on milestones.event_name = settings.checkout
),

customers as (
    select
        customers.customer_id,
        min(customers.signed_up_at) as signed_up_at
    from {{ ref('int_customers__customers') }} as customers
    where customers.signed_up_at is not null
        and customers.customer_id not in (
            select internal.person_id from {{ ref('int_identity__internal_people') }} as internal
        )
    group by customers.customer_id
),

sign_ups as (
    select
        customers.customer_id,
        customers.signed_up_at,
        cast({{ to_local('customers.signed_up_at', 'zone.reporting_zone') }} as date) as sign_up_date
    from customers
    cross join zone
),

-- the person behind a customer, for its first visit
customer_people as (
    select
        customer_id,
        max(person_key) as person_key
    from {{ ref('int_identity__people') }}
    where customer_id in (select sign_ups.customer_id from sign_ups)
    group by customer_id
),

-- few of all the visits: the joins below keep them in memory
customer_visits as (
    select
        person_key,
        platform,
        country,
        acquisition_channel
    from {{ ref('int_engagement__first_visits') }}
    where person_key in (select customer_people.person_key from customer_people)
),

registrations as (
    select
        'activation' as kpi_id,
        customer_people.person_key,
        sign_ups.customer_id,
        sign_ups.signed_up_at as entered_at,
        sign_ups.sign_up_date as entry_date,
        coalesce(visits.platform, 'unknown') as platform,
        coalesce(nullif(spans.country, ''), 'unknown') as country,
        coalesce(nullif(spans.acquisition_channel, ''), 'unknown') as acquisition_channel
    from sign_ups
    left join customer_people on sign_ups.customer_id = customer_people.customer_id
    left join customer_visits as visits on customer_people.person_key = visits.person_key
    {{ join_customer_spans('sign_ups', 'sign_up_date') }}
),

entries as (
    select * from visits
    union all
    select * from checkouts
    union all
    select * from registrations
),

outcomes as (
    select
        entries.kpi_id,
        entries.customer_id,
        entries.entered_at,
        min(orders.ordered_at) as happened_at
    from entries
    inner join orders
        on entries.customer_id = orders.customer_id
        and entries.entered_at <= orders.ordered_at
    where entries.kpi_id <> 'activation'
    group by entries.kpi_id, entries.customer_id, entries.entered_at
    union all
    select
        entries.kpi_id,
        entries.customer_id,
        entries.entered_at,
        min(actions.occurred_at) as happened_at
    from entries
    inner join {{ ref('int_conversion__milestones') }} as actions
        on entries.customer_id = actions.customer_id
        and entries.entered_at <= actions.occurred_at
    inner join settings on actions.event_name = settings.key_action
    where entries.kpi_id = 'activation'
    group by entries.kpi_id, entries.customer_id, entries.entered_at
)

select
    entries.kpi_id,
    coalesce(entries.person_key, {{ narrow_key('entries.customer_id') }}) as member,
    entries.customer_id,
    entries.entered_at,
    entries.entry_date,
    entries.platform,
    entries.country,
    entries.acquisition_channel,
    coalesce(
        {{ micros_between('entries.entered_at', 'outcomes.happened_at') }}
        < case entries.kpi_id when 'checkout_abandonment' then 1 else 7 end * cast(86400000000 as bigint),
        false
    ) as is_followed
from entries
left join outcomes
    on entries.kpi_id = outcomes.kpi_id
    and entries.customer_id = outcomes.customer_id
    and entries.entered_at = outcomes.entered_at
