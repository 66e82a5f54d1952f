select * from {{ ref('int_retention__cohort_values') }}
union all
select * from {{ ref('int_retention__inactivity_values') }}
union all
select * from {{ ref('int_retention__purchase_values') }}
