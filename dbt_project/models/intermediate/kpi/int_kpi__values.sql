-- The values of all domains under one roof; a new domain adds its line.
select * from {{ ref('int_engagement__kpi_values') }}
union all
select * from {{ ref('int_conversion__kpi_values') }}
union all
select * from {{ ref('int_retention__kpi_values') }}
union all
select * from {{ ref('int_orders__kpi_values') }}
union all
select * from {{ ref('int_fulfilment__kpi_values') }}
union all
select * from {{ ref('int_support__kpi_values') }}
union all
select * from {{ ref('int_feedback__kpi_values') }}
union all
select * from {{ ref('int_across__kpi_values') }}
