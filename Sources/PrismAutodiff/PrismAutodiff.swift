// PrismAutodiff
