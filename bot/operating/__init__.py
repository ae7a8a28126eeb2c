"""What an operator looks at: findings, health, an order's sheet, the report over three books."""
