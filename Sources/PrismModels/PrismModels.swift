// PrismModels
