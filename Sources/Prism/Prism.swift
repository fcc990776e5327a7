// Prism
