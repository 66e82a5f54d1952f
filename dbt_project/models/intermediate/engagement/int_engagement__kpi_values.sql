select * from {{ ref('int_engagement__usage_values') }}
union all
select * from {{ ref('int_engagement__lifecycle_values') }}
