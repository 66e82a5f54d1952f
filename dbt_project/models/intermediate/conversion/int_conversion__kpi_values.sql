select * from {{ ref('int_conversion__funnel_values') }}
union all
select * from {{ ref('int_conversion__cohort_values') }}
