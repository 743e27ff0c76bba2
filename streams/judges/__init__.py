"""Pure verdicts: events, rules and what is known in; findings out. Nothing here awaits or reads a clock."""
