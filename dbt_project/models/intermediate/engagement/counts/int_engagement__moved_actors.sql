-- Where the map of actors or the attributes of customers are not what was counted, all actors of the people on both
-- sides are here, as they were and as they are. Actors that are new since the first recounted day have no past to move.
with changed_customers as (
    select coalesce(spans.customer_id, counted.customer_id) as customer_id
    from {{ ref('int_customers__attribute_spans') }} as spans
    full join {{ ref('int_engagement__counted_attributes') }} as counted
        on spans.customer_id = counted.customer_id and spans.valid_from_date = counted.valid_from_date
    where spans.valid_to_date is distinct from counted.valid_to_date
        or spans.country is distinct from counted.country
        or spans.plan is distinct from counted.plan
        or spans.acquisition_channel is distinct from counted.acquisition_channel
),

changed_actors as (
    select coalesce(people.actor_key, counted.actor_key) as actor_key
    from {{ ref('int_identity__actor_people') }} as people
    full join {{ ref('int_engagement__counted_people') }} as counted
        on people.actor_key = counted.actor_key and people.from_date = counted.from_date
    where people.to_date is distinct from counted.to_date
        or people.person_key is distinct from counted.person_key
        or people.customer_id is distinct from counted.customer_id
    union all
    select actor_key
    from {{ ref('int_identity__actor_people') }}
    where customer_id in (select changed_customers.customer_id from changed_customers)
    union all
    select actor_key
    from {{ ref('int_engagement__counted_people') }}
    where customer_id in (select changed_customers.customer_id from changed_customers)
),

past_actors as (
    select distinct actor_key
    from {{ ref('int_usage__actor_days') }}
    where event_date >= {{ recount_date('first_day') }}
        and event_date < {{ recount_date('from_date') }}
        and actor_key in (select changed_actors.actor_key from changed_actors)
),

moved_people as (
    select person_key
    from {{ ref('int_identity__actor_people') }}
    where actor_key in (select past_actors.actor_key from past_actors)
    union
    select person_key
    from {{ ref('int_engagement__counted_people') }}
    where actor_key in (select past_actors.actor_key from past_actors)
),

sides as (
    select
        false as is_former,
        people.actor_key,
        people.from_date,
        people.to_date,
        people.person_key,
        people.customer_id,
        spans.valid_from_date,
        spans.valid_to_date,
        spans.country,
        spans.plan,
        spans.acquisition_channel,
        spans.customer_id is not null as is_customer
    from {{ ref('int_identity__actor_people') }} as people
    left join {{ ref('int_customers__attribute_spans') }} as spans
        on people.customer_id = spans.customer_id
        and people.from_date < spans.valid_to_date
        and people.to_date > spans.valid_from_date
    where people.person_key in (select moved_people.person_key from moved_people)
    union all
    select
        true as is_former,
        people.actor_key,
        people.from_date,
        people.to_date,
        people.person_key,
        people.customer_id,
        spans.valid_from_date,
        spans.valid_to_date,
        spans.country,
        spans.plan,
        spans.acquisition_channel,
        spans.customer_id is not null as is_customer
    from {{ ref('int_engagement__counted_people') }} as people
    left join {{ ref('int_engagement__counted_attributes') }} as spans
        on people.customer_id = spans.customer_id
        and people.from_date < spans.valid_to_date
        and people.to_date > spans.valid_from_date
    where people.person_key in (select moved_people.person_key from moved_people)
)

select
    is_former,
    actor_key,
    greatest(from_date, coalesce(valid_from_date, from_date)) as from_date,
    least(to_date, coalesce(valid_to_date, to_date)) as to_date,
    person_key,
    customer_id,
    country,
    plan,
    acquisition_channel,
    is_customer
from sides
