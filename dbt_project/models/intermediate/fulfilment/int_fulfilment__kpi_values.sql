select * from {{ ref('int_fulfilment__share_values') }}
union all
select * from {{ ref('int_fulfilment__time_values') }}
union all
select * from {{ ref('int_fulfilment__open_values') }}
