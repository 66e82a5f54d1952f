{{ daily_mart('engagement', [
    ['daily_active_users', 'dau', 'numerator', 'bigint'],
    ['weekly_active_users', 'users_7d', 'numerator', 'bigint'],
    ['monthly_active_users', 'users_28d', 'numerator', 'bigint'],
    ['stickiness', 'stickiness', 'value', 'double'],
    ['session_count', 'sessions', 'numerator', 'bigint'],
    ['feature_user_count', 'feature_adoption', 'numerator', 'bigint'],
    ['feature_adoption', 'feature_adoption', 'value', 'double'],
    ['error_count', 'error_rate', 'numerator', 'decimal(28, 6)'],
    ['counted_use_count', 'error_rate', 'denominator', 'decimal(28, 6)'],
    ['error_rate', 'error_rate', 'value', 'double'],
]) }}
