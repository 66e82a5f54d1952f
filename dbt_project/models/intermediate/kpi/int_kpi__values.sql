-- The values of all domains under one roof; a new domain adds its line. A dimension of the profile is
-- computed for whole domains, and kept for the KPIs that it is asked for.
with

computed as (
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
)

select computed.*
from computed
left join (select distinct dimension from {{ ref('profile_dimensions') }}) as profiled
    on computed.dimension = profiled.dimension
left join {{ ref('profile_dimensions') }} as asked
    on computed.kpi_id = asked.kpi_id
    and computed.dimension = asked.dimension
where profiled.dimension is null
    or asked.kpi_id is not null
