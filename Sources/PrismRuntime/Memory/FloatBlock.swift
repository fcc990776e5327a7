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

  /// Memory of its own, or `nil` where there is not so much.
  init?(countIfPossible count: Int) {
    guard MemoryFault.current?.refuses() != true,
      let memory = FloatMemory.allocateIfPossible(count)
    else { return nil }
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
