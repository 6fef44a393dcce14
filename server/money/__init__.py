"""What is owed and what was paid: debts, payments, and the one place that believes a provider."""
