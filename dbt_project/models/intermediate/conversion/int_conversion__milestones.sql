-- Milestones of people: whose step it was, and in which segments it counts. What the event does not say of the country
-- and the channel of acquisition, the customer's history says of that date.
with resolved as (
    select
        people.person_key,
        people.customer_id,
        milestones.event_name,
        milestones.occurred_at,
        milestones.event_date,
        coalesce(nullif(milestones.platform, ''), 'unknown') as platform,
        coalesce(nullif(milestones.country, ''), nullif(spans.country, ''), 'unknown') as country,
        coalesce(
            nullif(milestones.acquisition_channel, ''), nullif(spans.acquisition_channel, ''), 'unknown'
        ) as acquisition_channel,
        spans.customer_id is not null
        and (nullif(milestones.country, '') is null or nullif(milestones.acquisition_channel, '') is null)
            as is_attribute_of_customer
    from {{ ref('int_usage__milestones') }} as milestones
    {{ join_people('milestones') }}
    left join {{ ref('int_customers__attribute_spans') }} as spans
        on people.customer_id = spans.customer_id
        and milestones.event_date >= spans.valid_from_date
        and milestones.event_date < spans.valid_to_date
)

-- two devices of a person may say the same step, one of them with less on it
select
    person_key,
    customer_id,
    event_name,
    occurred_at,
    event_date,
    platform,
    country,
    acquisition_channel,
    bool_or(is_attribute_of_customer) as is_attribute_of_customer
from resolved
group by person_key, customer_id, event_name, occurred_at, event_date, platform, country, acquisition_channel
