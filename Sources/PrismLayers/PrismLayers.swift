// PrismLayers
