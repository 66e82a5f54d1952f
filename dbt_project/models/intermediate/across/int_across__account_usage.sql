-- Qualifying events by account and day, of the accounts that had trouble at some time: nobody else's revenue can be at
-- risk, and the days of all people need not be summed.
with

troubled as (
    select distinct account_id from {{ ref('int_across__account_troubles') }}
),

people_accounts as (
    select
        people.actor_key,
        greatest(people.from_date, coalesce(spans.valid_from_date, people.from_date)) as from_date,
        least(people.to_date, coalesce(spans.valid_to_date, people.to_date)) as to_date,
        coalesce(nullif(spans.account_id, ''), people.customer_id) as account_id
    from {{ ref('int_identity__actor_people') }} as people
    left join {{ ref('int_customers__attribute_spans') }} as spans
        on people.customer_id = spans.customer_id
        and people.from_date < spans.valid_to_date
        and people.to_date > spans.valid_from_date
)

select
    people_accounts.account_id,
    actor_days.event_date,
    cast(sum(actor_days.qualifying_event_count) as bigint) as use_count
from {{ ref('int_usage__actor_days') }} as actor_days
inner join people_accounts
    on actor_days.actor_key = people_accounts.actor_key
    and actor_days.event_date >= people_accounts.from_date
    and actor_days.event_date < people_accounts.to_date
inner join troubled on people_accounts.account_id = troubled.account_id
group by people_accounts.account_id, actor_days.event_date
