public import PrismTensor

/// Makes a network's input of a file: what pictures and sounds differ in.
public protocol SampleLoader: Sendable {
  /// The network's input for a file, `[1, H, W, 3]`.
  ///
  /// - Throws: Why the file cannot be used, naming it.
  func load(_ path: String) throws -> Tensor
}
