-- Of answers and of surveys apart: what was true of the customer is asked for the day of the answer, and for the day
-- that counts of the survey. Where the profile has no surveys an answer is the row of a ticket.
with

facts as (
    select
        'answer' as fact,
        answers.answer_id as fact_id,
        answers.customer_id,
        answers.answer_date as fact_date,
        coalesce(responses.extra, tickets.extra) as extra
    from {{ ref('int_feedback__answers') }} as answers
    left join {{ ref('int_feedback__survey_responses') }} as responses on answers.answer_id = responses.response_id
    left join {{ ref('int_support__tickets') }} as tickets
        on case when responses.response_id is null then answers.answer_id end = tickets.ticket_id
    union all
    select
        'survey' as fact,
        surveys.response_id as fact_id,
        surveys.customer_id,
        surveys.attribute_date as fact_date,
        responses.extra
    from {{ ref('int_feedback__surveys') }} as surveys
    inner join {{ ref('int_feedback__survey_responses') }} as responses on surveys.response_id = responses.response_id
)

{{ fact_segments('facts', ['fact', 'fact_id'], 'fact_date', "domain = 'feedback'") }}
