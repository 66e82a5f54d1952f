select * from {{ ref('int_support__count_values') }}
union all
select * from {{ ref('int_support__duration_values') }}
union all
select * from {{ ref('int_support__sla_values') }}
union all
select * from {{ ref('int_support__backlog_ages') }}
union all
select
    'backlog' as kpi_id,
    periods.grain,
    periods.period_start,
    spans.dimension,
    spans.segment,
    cast(spans.open_count as decimal(28, 6)) as numerator,
    cast(null as decimal(28, 6)) as denominator,
    cast(spans.open_count as double) as value,
    spans.open_count as n
from {{ ref('int_calendar__periods') }} as periods
inner join {{ ref('int_support__backlog_spans') }} as spans
    on periods.last_date >= spans.from_date
    and (spans.to_date is null or periods.last_date < spans.to_date)
