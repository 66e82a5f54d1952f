select
    shipment_id,
    order_id,
    line_id,
    quantity,
    {{ utc_naive('updated_at') }} as updated_at,
    extra,
    content_hash,
    {{ utc_naive('pulled_at') }} as pulled_at,
    landed_date
from {{ lake_relation('shipment_items') }}
