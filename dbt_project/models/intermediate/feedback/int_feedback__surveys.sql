-- The surveys that count, with who was asked: nobody of the company itself, none about a ticket that counts nowhere or
-- was merged away. What the source does not say of a person, the customer's history says for the day that counts: that
-- of the offer, of a recommendation that of the answer.
with

watermark as (
    select max(end_at) as closed_at from {{ ref('int_calendar__days') }}
),

settings as (
    select reporting_zone from {{ ref('int_calendar__settings') }}
),

internal_people as (
    select person_id from {{ ref('int_identity__internal_people') }}
),

counted as (
    select
        responses.response_id,
        responses.survey,
        responses.customer_id,
        responses.offered_at,
        cast({{ to_local('responses.offered_at', 'settings.reporting_zone') }} as date) as offered_date,
        case when responses.answered_at < watermark.closed_at then responses.answered_at end as answered_at,
        cast(responses.score as bigint) as score,
        responses.channel,
        responses.country,
        responses.plan,
        case
            when responses.survey = 'nps' and responses.answered_at < watermark.closed_at then responses.answered_at
            else responses.offered_at
        end as counted_at,
        settings.reporting_zone
    from {{ ref('int_feedback__survey_responses') }} as responses
    cross join settings
    cross join watermark
    left join {{ ref('int_support__ticket_facts') }} as tickets on responses.ticket_id = tickets.ticket_id
    left join internal_people on responses.customer_id = internal_people.person_id
    where internal_people.person_id is null
        and not coalesce(tickets.is_excluded or tickets.is_merged_away, false)
),

dated as (
    select
        *,
        cast({{ to_local('counted_at', 'reporting_zone') }} as date) as attribute_date
    from counted
)

select
    dated.response_id,
    dated.survey,
    dated.customer_id,
    dated.offered_at,
    dated.offered_date,
    dated.answered_at,
    cast({{ to_local('dated.answered_at', 'dated.reporting_zone') }} as date) as answered_date,
    dated.score,
    dated.channel,
    coalesce(nullif(dated.country, ''), spans.country) as country,
    coalesce(nullif(dated.plan, ''), spans.plan) as plan,
    (
        (nullif(dated.country, '') is null and spans.country is not null)
        or (nullif(dated.plan, '') is null and spans.plan is not null)
    ) as is_attribute_of_customer,
    dated.attribute_date
from dated
left join {{ ref('int_customers__attribute_spans') }} as spans
    on dated.customer_id = spans.customer_id
    and dated.attribute_date >= spans.valid_from_date
    and dated.attribute_date < spans.valid_to_date
