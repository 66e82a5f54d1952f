select
    shipment_id,
    order_id,
    carrier,
    warehouse,
    country,
    {{ utc_naive('shipped_at') }} as shipped_at,
    {{ utc_naive('delivered_at') }} as delivered_at,
    {{ utc_naive('updated_at') }} as updated_at,
    extra,
    content_hash,
    {{ utc_naive('pulled_at') }} as pulled_at,
    landed_date
from {{ lake_relation('shipments') }}
