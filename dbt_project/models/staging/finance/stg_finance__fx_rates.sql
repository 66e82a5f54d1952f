select
    rate_date,
    base_currency,
    quote_currency,
    rate,
    {{ utc_naive('updated_at') }} as updated_at,
    extra,
    content_hash,
    {{ utc_naive('pulled_at') }} as pulled_at,
    landed_date
from {{ lake_relation('fx_rates') }}
