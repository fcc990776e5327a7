// PrismMedia
