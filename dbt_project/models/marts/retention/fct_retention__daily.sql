{{ daily_mart('retention', [
    ['first_time_buyer_count', 'repeat_purchase_90d', 'denominator', 'bigint'],
    ['repeat_buyer_count', 'repeat_purchase_90d', 'numerator', 'bigint'],
    ['repeat_purchase_rate', 'repeat_purchase_90d', 'value', 'double'],
]) }}
