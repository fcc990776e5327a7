// A program that imports Prism needs no other module. Of the runtime comes what a model or a method
// of one's own is made of; plans and their memory stay inside.

@_exported public import PrismAutodiff
@_exported public import PrismCard
@_exported public import PrismExplain
@_exported public import PrismFiles
@_exported public import struct PrismKernels.OutOfMemoryError
@_exported public import class PrismKernels.WorkThreads
@_exported public import PrismLayers
@_exported public import PrismMedia
@_exported public import struct PrismRuntime.BackwardPass
@_exported public import protocol PrismRuntime.Classifier
@_exported public import struct PrismRuntime.ClassifierError
@_exported public import struct PrismRuntime.ClosureClassifier
@_exported public import protocol PrismRuntime.DifferentiableClassifier
@_exported public import struct PrismRuntime.ForwardPass
@_exported public import struct PrismRuntime.UnknownOutputError
@_exported public import struct PrismRuntime.UnknownValueError
@_exported public import struct PrismRuntime.Work
@_exported public import PrismTensor
@_exported public import PrismTraining
@_exported public import PrismWeights
