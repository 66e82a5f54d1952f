{{ daily_mart('orders', [
    ['order_count', 'orders', 'numerator', 'bigint'],
    ['gross_amount', 'gmv', 'numerator', 'decimal(28, 6)'],
    ['net_amount', 'net_sales', 'numerator', 'decimal(28, 6)'],
    ['after_discount_amount', 'aov', 'numerator', 'decimal(28, 6)'],
    ['average_order_value', 'aov', 'value', 'double'],
    ['monthly_recurring_amount', 'mrr', 'numerator', 'decimal(28, 6)'],
    ['active_subscription_count', 'active_subscriptions', 'numerator', 'bigint'],
    ['ended_subscription_count', 'logo_churn', 'numerator', 'bigint'],
    ['opening_subscription_count', 'logo_churn', 'denominator', 'bigint'],
    ['logo_churn', 'logo_churn', 'value', 'double'],
]) }}
