-- From when to when an account has a ticket about a feature in the trailing 90 days, and about any: a ticket covers its
-- day and the 89 after it, covers that touch are one span.
with

asked as (
    select distinct
        tickets.feature,
        tickets.created_date,
        coalesce(nullif(tickets.account_id, ''), spans.account_id, nullif(tickets.customer_id, '')) as account_id
    from {{ ref('int_support__ticket_facts') }} as tickets
    left join {{ ref('int_customers__attribute_spans') }} as spans
        on tickets.customer_id = spans.customer_id
        and tickets.created_date >= spans.valid_from_date
        and tickets.created_date < spans.valid_to_date
    where not tickets.is_excluded
        and not tickets.is_merged_away
        and nullif(tickets.feature, '') is not null
),

days as (
    select
        'feature' as dimension,
        feature as segment,
        account_id,
        created_date
    from asked
    where account_id is not null
    union
    select
        'all' as dimension,
        'all' as segment,
        account_id,
        created_date
    from asked
    where account_id is not null
),

compared as (
    select
        *,
        lag(created_date) over (partition by dimension, segment, account_id order by created_date) as last_date
    from days
),

numbered as (
    select
        *,
        sum(case when created_date <= {{ add_days('last_date', 90) }} then 0 else 1 end) over (
            partition by dimension, segment, account_id
            order by created_date
            rows between unbounded preceding and current row
        ) as span_number
    from compared
)

select
    dimension,
    segment,
    account_id,
    min(created_date) as from_date,
    {{ add_days('max(created_date)', 90) }} as to_date
from numbered
group by dimension, segment, account_id, span_number
