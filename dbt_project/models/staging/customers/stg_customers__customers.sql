select
    customer_id,
    {{ utc_naive('valid_from_at') }} as valid_from_at,
    account_id,
    {{ utc_naive('signed_up_at') }} as signed_up_at,
    plan,
    country,
    acquisition_channel,
    industry,
    is_internal,
    {{ utc_naive('updated_at') }} as updated_at,
    extra,
    content_hash,
    {{ utc_naive('pulled_at') }} as pulled_at,
    landed_date
from {{ lake_relation('customers') }}
