extension OperationCase {
  /// Every case of every operation.
  public static let all: [OperationCase] = convolution + elementwise
}
