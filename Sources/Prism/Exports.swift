// A program that imports Prism needs no other module for everyday work: pictures, tensors, explainers and the model
// card come with it.

@_exported public import PrismCard
@_exported public import PrismExplain
@_exported public import PrismFiles
@_exported public import PrismMedia
@_exported public import PrismRuntime
@_exported public import PrismTensor
@_exported public import PrismTraining
@_exported public import PrismWeights
