public import Prism

extension Masker {
  /// The sweeps of inpainting unless told otherwise.
  static let usualSweeps = 50

  /// Reads the value of `--mask`.
  ///
  /// - Parameters:
  ///   - argument: The text.
  ///   - seed: The seed of noise.
  /// - Throws: ``RequestError``.
  public init(argument: String, seed: UInt64) throws(RequestError) {
    let parts = argument.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    switch (parts[0], parts.count) {
    case ("mean", 1): self = .mean
    case ("black", 1): self = .black
    case ("segment-mean", 1): self = .segmentMean
    case ("noise", 1): self = .noise(seed: seed)
    case ("inpaint", 1): self = .inpainting(sweeps: Self.usualSweeps)
    case ("inpaint", 2):
      guard let sweeps = Int(parts[1]) else { throw .mask(argument) }
      self = .inpainting(sweeps: sweeps)
    case ("blur", 2):
      let extents = parts[1].split(separator: "x", omittingEmptySubsequences: false)
        .map { Int($0) }
      guard let rows = extents[0], let columns = extents[extents.count - 1], extents.count <= 2
      else { throw .mask(argument) }
      self = .blur(rows: rows, columns: columns)
    default:
      let values = argument.split(separator: "/", omittingEmptySubsequences: false)
        .map { Float($0) }
      let numbers = values.compactMap { $0 }
      guard numbers.count == values.count, numbers.allSatisfy(\.isFinite) else {
        throw .mask(argument)
      }
      self = .constant(numbers)
    }
  }
}
