select * from {{ ref('int_orders__sales_values') }}
union all
select * from {{ ref('int_orders__cancellation_values') }}
union all
select * from {{ ref('int_orders__return_values') }}
union all
select * from {{ ref('int_orders__subscription_values') }}
union all
select * from {{ ref('int_orders__churn_values') }}
