"""What citizens are told without having asked: news on its way, payment cards and pictures."""
