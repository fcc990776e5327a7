// A program that imports Prism needs no other module: pictures, sounds, tensors, methods, model cards and training come
// with it whole; of the engine comes what a model or a method of one's own is made of.

@_exported public import enum PrismAutodiff.EvaluationError
@_exported public import protocol PrismAutodiff.BackwardRule
@_exported public import struct PrismAutodiff.ExactRule
@_exported public import struct PrismAutodiff.GuidedRule
@_exported public import struct PrismAutodiff.DeepLIFTRule
@_exported public import enum PrismAutodiff.Padding
@_exported public import struct PrismAutodiff.Recording
@_exported public import struct PrismAutodiff.ShapeError
@_exported public import struct PrismAutodiff.Value
@_exported public import struct PrismAutodiff.ValueID
@_exported public import PrismCard
@_exported public import PrismExplain
@_exported public import PrismFiles
@_exported public import PrismLayers
@_exported public import PrismMedia
@_exported public import protocol PrismRuntime.Classifier
@_exported public import struct PrismRuntime.ClassifierError
@_exported public import struct PrismRuntime.ClosureClassifier
@_exported public import protocol PrismRuntime.DifferentiableClassifier
@_exported public import struct PrismRuntime.UnknownOutputError
@_exported public import struct PrismRuntime.UnknownValueError
@_exported public import struct PrismRuntime.Work
@_exported public import PrismTensor
@_exported public import PrismTraining
@_exported public import PrismWeights
