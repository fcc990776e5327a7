// PrismRuntime
