-- The features that were used or asked about. People are counted per day: how many used it at all is for fct_kpi.
with

uses as (
    select
        segment as feature,
        min(local_date) as first_used_date,
        max(local_date) as last_used_date,
        sum(amount) as person_day_count
    from {{ ref('int_engagement__day_counts') }}
    where measure = 'feature'
        and dimension = 'feature'
    group by segment
),

tickets as (
    select
        feature,
        min(created_date) as first_ticket_date,
        max(created_date) as last_ticket_date,
        count(*) as ticket_count
    from {{ ref('int_support__ticket_facts') }}
    where not is_excluded
        and not is_merged_away
        and nullif(feature, '') is not null
    group by feature
),

named as (
    select feature from uses
    union
    select feature from tickets
)

select
    named.feature,
    uses.first_used_date,
    uses.last_used_date,
    cast(coalesce(uses.person_day_count, 0) as bigint) as person_day_count,
    tickets.first_ticket_date,
    tickets.last_ticket_date,
    cast(coalesce(tickets.ticket_count, 0) as bigint) as ticket_count
from named
left join uses on named.feature = uses.feature
left join tickets on named.feature = tickets.feature
