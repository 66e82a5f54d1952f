{{ config(
    description='The support KPIs of a day count just the rows of fct_support__tickets and fct_support__transitions that they are drilled through to.',
    severity='error',
    meta={'dagster': {'ref': {'name': 'fct_support__tickets'}}, 'owner': 'customer-support', 'subject': 'fct_support__tickets', 'fix': 'Compare the condition of the KPI in int_support__*_values with the columns of the mart: both have to tell the same rows.'}
) }}

with

tickets as (
    select * from {{ ref('fct_support__tickets') }}
),

kept as (
    select * from tickets
    where not is_merged_away
),

counted as (
    select
        'tickets_created' as kpi_id,
        created_date as local_date,
        1 as hit
    from tickets
    union all
    select
        'tickets_solved' as kpi_id,
        transition_date as local_date,
        1 as hit
    from {{ ref('fct_support__transitions') }}
    where transition = 'solve'
        and not is_merged_away
    union all
    select
        'escalation_rate' as kpi_id,
        created_date as local_date,
        case when is_escalated_in_30_days then 1 else 0 end as hit
    from kept
    union all
    select
        'first_reply_business_p50' as kpi_id,
        first_replied_date as local_date,
        1 as hit
    from kept
    where first_reply_business_minutes is not null
    union all
    select
        'resolution_p50' as kpi_id,
        first_solved_date as local_date,
        1 as hit
    from kept
    where resolution_hours is not null
    union all
    select
        'full_resolution_p50' as kpi_id,
        last_solved_date as local_date,
        1 as hit
    from kept
    where full_resolution_hours is not null
    union all
    select
        'reopen_rate' as kpi_id,
        first_solved_date as local_date,
        case when is_reopened_in_30_days then 1 else 0 end as hit
    from tickets
    where is_reopened_in_30_days is not null
    union all
    select
        'first_contact_resolution' as kpi_id,
        first_solved_date as local_date,
        case when is_first_contact then 1 else 0 end as hit
    from tickets
    where is_first_contact is not null
    union all
    select
        'sla_attainment' as kpi_id,
        first_reply_sla_date as local_date,
        case first_reply_sla_state when 'met' then 1 else 0 end as hit
    from tickets
    where first_reply_sla_date is not null
    union all
    select
        'sla_attainment' as kpi_id,
        resolution_sla_date as local_date,
        case resolution_sla_state when 'met' then 1 else 0 end as hit
    from tickets
    where resolution_sla_date is not null
),

daily as (
    select
        kpi_id,
        local_date,
        sum(hit) as hit_count,
        count(*) as row_count
    from counted
    group by kpi_id, local_date
),

wanted as (
    select distinct kpi_id from counted
)

select
    facts.kpi_id,
    facts.period_start,
    facts.numerator,
    facts.n,
    coalesce(daily.hit_count, 0) as hit_count,
    coalesce(daily.row_count, 0) as row_count
from {{ ref('fct_kpi') }} as facts
inner join wanted on facts.kpi_id = wanted.kpi_id
left join daily
    on facts.kpi_id = daily.kpi_id
    and facts.period_start = daily.local_date
where facts.grain = 'day'
    and facts.dimension = 'all'
    and facts.is_complete
    and (
        coalesce(facts.numerator, coalesce(daily.hit_count, 0)) <> coalesce(daily.hit_count, 0)
        or facts.n <> coalesce(daily.row_count, 0)
    )
