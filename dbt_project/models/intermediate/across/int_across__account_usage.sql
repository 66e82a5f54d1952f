-- Qualifying events by account and day, of the accounts that had trouble at some time: nobody else's revenue can be at
-- risk, and the days of all people need not be summed.
with

troubled as (
    select distinct account_id from {{ ref('int_across__account_troubles') }}
),

members as (
    select
        people.person_key,
        coalesce(nullif(spans.account_id, ''), people.customer_id) as account_id,
        coalesce(spans.valid_from_date, date '0001-01-01') as from_date,
        coalesce(spans.valid_to_date, date '9999-12-31') as to_date
    from {{ ref('int_identity__people') }} as people
    left join {{ ref('int_customers__attribute_spans') }} as spans on people.customer_id = spans.customer_id
)

select
    members.account_id,
    days.event_date,
    cast(sum(days.qualifying_event_count) as bigint) as use_count
from {{ ref('int_engagement__person_days') }} as days
inner join members
    on days.person_key = members.person_key
    and days.event_date >= members.from_date
    and days.event_date < members.to_date
inner join troubled on members.account_id = troubled.account_id
group by members.account_id, days.event_date
