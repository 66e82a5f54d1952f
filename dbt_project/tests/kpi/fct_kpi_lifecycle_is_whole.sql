{{ config(description='New, returning and resurrected users do not add up to the active users.', meta={
    'dagster': {'ref': {'name': 'fct_kpi'}}, 'subject': 'fct_kpi', 'owner': 'product-analytics',
    'fix': 'Compare int_engagement__lifecycle_values with int_engagement__active_users in that period and segment.'
}) }}

-- A dimension that the profile gives to some of these KPIs alone has nothing to add up.
with

partly_given as (
    select dimension
    from {{ ref('profile_dimensions') }}
    where kpi_id in ('active_users', 'lifecycle_new', 'lifecycle_returning', 'lifecycle_resurrected')
    group by dimension
    having count(*) < 4
)

select
    grain,
    period_start,
    dimension,
    segment,
    sum(case when kpi_id = 'active_users' then numerator else 0 end) as active_users,
    sum(case when kpi_id <> 'active_users' then numerator else 0 end) as lifecycle_users
from {{ ref('fct_kpi') }}
where kpi_id in ('active_users', 'lifecycle_new', 'lifecycle_returning', 'lifecycle_resurrected')
    and dimension not in (select partly_given.dimension from partly_given)
group by grain, period_start, dimension, segment
having bool_and(is_complete)
    and count(*) filter (where kpi_id = 'active_users') = 1
    and sum(case when kpi_id = 'active_users' then numerator else -numerator end) <> 0
