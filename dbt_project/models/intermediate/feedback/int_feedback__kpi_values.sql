select * from {{ ref('int_feedback__csat_values') }}
union all
select * from {{ ref('int_feedback__response_values') }}
union all
select * from {{ ref('int_feedback__nps_values') }}
