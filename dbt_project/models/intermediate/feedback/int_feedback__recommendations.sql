-- The answers to the recommendation survey, each for the days on which it is the person's latest of the trailing 90
-- days: from its own day until the day of the next, at most for 90 days. Who is not known is a person of one answer.
with

answers as (
    select
        *,
        coalesce(nullif(customer_id, ''), response_id) as person_id,
        case when nullif(customer_id, '') is null then 1 else 0 end as is_stranger
    from {{ ref('int_feedback__surveys') }}
    where survey = 'nps'
        and answered_at is not null
        and score is not null
),

followed as (
    select
        *,
        lead(answered_date) over (
            partition by person_id, is_stranger
            order by answered_at, response_id
        ) as next_answered_date
    from answers
)

select
    response_id,
    customer_id,
    answered_date,
    least(next_answered_date, {{ add_days('answered_date', 90) }}) as until_date,
    score,
    case when score >= 9 then 1 when score <= 6 then -1 else 0 end as balance,
    channel,
    country,
    plan,
    is_attribute_of_customer
from followed
where next_answered_date is null
    or next_answered_date > answered_date
