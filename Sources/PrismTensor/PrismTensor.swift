// PrismTensor
