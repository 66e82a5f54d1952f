select * from {{ ref('int_across__user_revenue_values') }}
union all
select * from {{ ref('int_across__contact_values') }}
union all
select * from {{ ref('int_across__late_contact_values') }}
union all
select * from {{ ref('int_across__feature_demand_values') }}
