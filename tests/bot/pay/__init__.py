"""WeChat Pay as the bot uses it."""
