{{ daily_mart('across', [
    ['active_user_count', 'revenue_per_active_user', 'denominator', 'bigint'],
    ['net_amount', 'revenue_per_active_user', 'numerator', 'decimal(28, 6)'],
    ['revenue_per_active_user', 'revenue_per_active_user', 'value', 'double'],
    ['order_count', 'contact_rate', 'denominator', 'bigint'],
    ['contact_rate', 'contact_rate', 'value', 'double'],
    ['ticket_count', 'unlinked_ticket_share', 'denominator', 'bigint'],
    ['unlinked_ticket_count', 'unlinked_ticket_share', 'numerator', 'bigint'],
    ['unlinked_ticket_share', 'unlinked_ticket_share', 'value', 'double'],
    ['late_delivery_contact_lift', 'late_delivery_contact_lift', 'value', 'double'],
    ['feature_account_count', 'feature_demand', 'n', 'bigint'],
    ['feature_demand_amount', 'feature_demand', 'numerator', 'decimal(28, 6)'],
]) }}
