// PrismCLI
