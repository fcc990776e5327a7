extension Tensor {
  /// Appends the numbers, 4 bytes each with the lowest first, in their order.
  ///
  /// - Parameter bytes: Receives them.
  package func appendLittleEndian(to bytes: inout [UInt8]) {
    withUnsafeBufferPointer { scalars in
      #if _endian(little)
        bytes += UnsafeRawBufferPointer(scalars)
      #else
        for scalar in scalars {
          withUnsafeBytes(of: scalar.bitPattern.littleEndian) { bytes += $0 }
        }
      #endif
    }
  }
}
