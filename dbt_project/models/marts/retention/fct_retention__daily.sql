{{ daily_mart('retention', [
    ['new_user_count', 'retention_d1', 'denominator', 'bigint'],
    ['retention_rate_d1', 'retention_d1', 'value', 'double'],
    ['retention_rate_d7', 'retention_d7', 'value', 'double'],
    ['retention_rate_d14', 'retention_d14', 'value', 'double'],
    ['retention_rate_d28', 'retention_d28', 'value', 'double'],
    ['inactivity_rate', 'inactivity_rate', 'value', 'double'],
    ['first_time_buyer_count', 'repeat_purchase_90d', 'denominator', 'bigint'],
    ['repeat_buyer_count', 'repeat_purchase_90d', 'numerator', 'bigint'],
    ['repeat_purchase_rate', 'repeat_purchase_90d', 'value', 'double'],
]) }}
