// PrismWeights
