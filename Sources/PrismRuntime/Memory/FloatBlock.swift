internal import PrismKernels

/// Memory for floats at a 64-byte boundary.
//
// `@unchecked Sendable`: whoever holds a block decides who writes where; a plan gives every thread
// parts of its own.
final class FloatBlock: @unchecked Sendable {
  let pointer: UnsafeMutablePointer<Float>
  let count: Int
  private let whole: FloatBlock?

  init(count: Int) {
    self.count = count
    pointer = FloatMemory.allocate(count)
    whole = nil
  }

  /// Memory of its own that may be refused.
  ///
  /// - Throws: `OutOfMemoryError` where there is not so much.
  convenience init(asking count: Int) throws {
    let memory = try Memory.expecting(floats: count) { FloatMemory.allocateIfPossible(count) }
    guard let memory else {
      throw OutOfMemoryError(bytes: count * MemoryLayout<Float>.stride)
    }
    self.init(owning: memory, count: count)
  }

  private init(owning memory: UnsafeMutablePointer<Float>, count: Int) {
    self.count = count
    pointer = memory
    whole = nil
  }

  /// A part of another block.
  init(_ whole: FloatBlock, offset: Int, count: Int) {
    self.whole = whole
    self.count = count
    pointer = whole.pointer + offset
  }

  deinit {
    if whole == nil { FloatMemory.deallocate(pointer) }
  }
}

extension FloatBlock {
  /// The numbers, rounded to single precision.
  convenience init(rounding numbers: [Double]) {
    self.init(count: numbers.count)
    for (i, number) in numbers.enumerated() { pointer[i] = Float(number) }
  }
}
