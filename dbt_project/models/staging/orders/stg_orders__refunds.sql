select
    refund_id,
    order_id,
    line_id,
    {{ utc_naive('refunded_at') }} as refunded_at,
    refund_amount,
    currency,
    reason,
    returned_quantity,
    {{ utc_naive('returned_at') }} as returned_at,
    {{ utc_naive('updated_at') }} as updated_at,
    extra,
    content_hash,
    {{ utc_naive('pulled_at') }} as pulled_at,
    landed_date
from {{ lake_relation('refunds') }}
