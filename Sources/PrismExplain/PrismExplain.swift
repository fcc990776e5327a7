// PrismExplain
