-- The first session ever of each person: where it happened, and what was known of the person then. Who visited first
-- before the recounted days and whose past did not move keeps the visit; the rest look through the islands that are
-- counted anew.
with

moved_people as (
    select distinct person_key
    from {{ ref('int_engagement__moved_actors') }}
),

kept as (
    select counted.*
    from {{ ref('int_engagement__counted_visits') }} as counted
    left join moved_people on counted.person_key = moved_people.person_key
    where moved_people.person_key is null
        and counted.visit_date < {{ recount_date('from_date') }}
),

visitors as (
    select distinct person_key
    from {{ ref('int_engagement__recounted_islands') }}
    where not is_former
),

returning_visitors as (
    select visitors.person_key
    from kept
    inner join visitors on kept.person_key = visitors.person_key
),

islands as (
    select recounted.*
    from {{ ref('int_engagement__recounted_islands') }} as recounted
    left join returning_visitors on recounted.person_key = returning_visitors.person_key
    where not recounted.is_former
        and returning_visitors.person_key is null
),

first_instants as (
    select
        person_key,
        min(first_at) as visited_at
    from islands
    group by person_key
),

-- two islands may begin at one instant: the lower event id is the first, and where one id has two contents, the lower
-- of what they say
ranked as (
    select
        islands.*,
        row_number() over (
            partition by islands.person_key
            order by
                islands.first_event_id asc,
                islands.platform asc,
                islands.country asc,
                islands.plan asc,
                islands.acquisition_channel asc,
                islands.is_attribute_of_customer asc,
                islands.is_plan_or_country_of_customer asc
        ) as place
    from islands
    inner join first_instants
        on islands.person_key = first_instants.person_key
        and islands.first_at = first_instants.visited_at
),

firsts as (
    select
        person_key,
        customer_id,
        first_at as visited_at,
        event_date as visit_date,
        platform,
        country,
        plan,
        acquisition_channel,
        is_attribute_of_customer,
        is_plan_or_country_of_customer
    from ranked
    where place = 1
),

-- a visit may be one of passive events alone: the first active day comes later, or never
active as (
    select
        person_key,
        min(event_date) as first_active_date
    from {{ ref('int_engagement__recounted_days') }}
    where not is_former
        and qualifying_event_count > 0
    group by person_key
)

select
    kept.person_key,
    kept.customer_id,
    kept.visited_at,
    kept.visit_date,
    coalesce(
        case when kept.first_active_date < {{ recount_date('from_date') }} then kept.first_active_date end,
        active.first_active_date
    ) as first_active_date,
    kept.platform,
    kept.country,
    kept.plan,
    kept.acquisition_channel,
    kept.is_attribute_of_customer,
    kept.is_plan_or_country_of_customer
from kept
left join active on kept.person_key = active.person_key
union all
select
    firsts.person_key,
    firsts.customer_id,
    firsts.visited_at,
    firsts.visit_date,
    active.first_active_date,
    firsts.platform,
    firsts.country,
    firsts.plan,
    firsts.acquisition_channel,
    firsts.is_attribute_of_customer,
    firsts.is_plan_or_country_of_customer
from firsts
left join active on firsts.person_key = active.person_key
