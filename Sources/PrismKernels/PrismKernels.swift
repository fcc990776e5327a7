// PrismKernels
