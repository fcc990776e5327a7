package import PrismTensor

extension Tensor {
  /// Appends the numbers in half precision, rounded to the nearest (ties to even), 2 bytes each
  /// with the lowest first; what is beyond the largest number becomes that.
  ///
  /// - Parameter bytes: Receives them.
  package func appendLittleEndianHalves(to bytes: inout [UInt8]) {
    bytes.reserveCapacity(bytes.count + 2 * count)
    withUnsafeBufferPointer { scalars in
      for scalar in scalars {
        let largest: UInt16 = scalar < 0 ? 0xFBFF : 0x7BFF
        let bits = scalar.isNaN ? 0x7E00 : FloatConversion.narrowed(scalar) ?? largest
        bytes.append(UInt8(truncatingIfNeeded: bits))
        bytes.append(UInt8(truncatingIfNeeded: bits >> 8))
      }
    }
  }
}
