extension OperationCase {
  /// Every case of every operation.
  public static let all: [OperationCase] =
    convolution + depthwise + dense + normalization + normalizedConvolution + activation
    + arithmetic + softmax + pool
    + shaping + reduction + loss
}
