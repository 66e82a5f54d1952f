select
    order_id,
    line_id,
    product_id,
    category,
    quantity,
    unit_price_amount,
    discount_amount,
    requires_shipping,
    {{ utc_naive('updated_at') }} as updated_at,
    extra,
    content_hash,
    {{ utc_naive('pulled_at') }} as pulled_at,
    landed_date
from {{ lake_relation('order_items') }}
