{{ daily_mart('support', [
    ['created_count', 'tickets_created', 'numerator', 'bigint'],
    ['solved_count', 'tickets_solved', 'numerator', 'bigint'],
    ['backlog_count', 'backlog', 'numerator', 'bigint'],
    ['first_reply_count', 'first_reply_p50', 'n', 'bigint'],
    ['first_reply_minutes_p50', 'first_reply_p50', 'value', 'double'],
    ['first_solve_count', 'resolution_p50', 'n', 'bigint'],
    ['resolution_hours_p50', 'resolution_p50', 'value', 'double'],
    ['escalated_count', 'escalation_rate', 'numerator', 'bigint'],
    ['escalation_rate', 'escalation_rate', 'value', 'double'],
]) }}
