"""对账 as the world sees it: fetching WeChat's bills, reading their format, asking about what is missing, reports."""
