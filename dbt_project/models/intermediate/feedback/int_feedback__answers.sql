-- The answers that count: the latest per ticket that lies before the watermark, from the surveys where the profile has
-- them, else from the tickets. Answers about tickets that count nowhere, or were merged away, are out.
with

watermark as (
    select max(end_at) as closed_at from {{ ref('int_calendar__days') }}
),

settings as (
    select reporting_zone from {{ ref('int_calendar__settings') }}
),

configured as (
    select count(*) as survey_stream_count
    from {{ ref('profile_settings') }}
    where section = 'stream'
        and key = 'survey_responses'
),

internal_people as (
    select person_id from {{ ref('int_identity__internal_people') }}
),

tickets as (
    select * from {{ ref('int_support__ticket_facts') }}
),

given as (
    select
        responses.response_id as answer_id,
        responses.ticket_id,
        responses.customer_id,
        responses.answered_at,
        cast(responses.score as bigint) as score,
        coalesce(responses.score >= 4, responses.is_good) as is_good,
        responses.channel,
        responses.country,
        responses.plan
    from {{ ref('int_feedback__survey_responses') }} as responses
    cross join configured
    left join tickets on responses.ticket_id = tickets.ticket_id
    where configured.survey_stream_count > 0
        and responses.survey = 'csat'
        and not coalesce(tickets.is_excluded or tickets.is_merged_away, false)
    union all
    select
        tickets.ticket_id as answer_id,
        tickets.ticket_id,
        tickets.customer_id,
        coalesce(
            tickets.csat_answered_at, tickets.last_solved_at, tickets.first_solved_at, tickets.updated_at
        ) as answered_at,
        cast(tickets.csat_score as bigint) as score,
        tickets.csat_score >= 4 as is_good,
        tickets.channel,
        tickets.country,
        tickets.plan
    from tickets
    cross join configured
    where configured.survey_stream_count = 0
        and tickets.csat_score is not null
        and not tickets.is_excluded
        and not tickets.is_merged_away
),

ranked as (
    select
        given.*,
        row_number() over (
            partition by coalesce(given.ticket_id, given.answer_id), given.ticket_id is null
            order by given.answered_at desc, given.answer_id desc
        ) as recency
    from given
    cross join watermark
    left join internal_people on given.customer_id = internal_people.person_id
    where given.answered_at < watermark.closed_at
        and given.is_good is not null
        and internal_people.person_id is null
),

latest as (
    select
        ranked.*,
        cast({{ to_local('ranked.answered_at', 'settings.reporting_zone') }} as date) as answer_date
    from ranked
    cross join settings
    where ranked.recency = 1
)

select
    latest.answer_id,
    latest.ticket_id,
    latest.customer_id,
    latest.answered_at,
    latest.answer_date,
    latest.score,
    latest.is_good,
    latest.channel,
    coalesce(nullif(latest.country, ''), spans.country) as country,
    coalesce(nullif(latest.plan, ''), spans.plan) as plan,
    (
        (nullif(latest.country, '') is null and spans.country is not null)
        or (nullif(latest.plan, '') is null and spans.plan is not null)
    ) as is_attribute_of_customer
from latest
left join {{ ref('int_customers__attribute_spans') }} as spans
    on latest.customer_id = spans.customer_id
    and latest.answer_date >= spans.valid_from_date
    and latest.answer_date < spans.valid_to_date
