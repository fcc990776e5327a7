internal import PrismKernels

/// Reference-counted memory behind one or more tensors.
///
/// Memory is either owned (allocated at a 64-byte boundary, freed with the object) or borrowed from
/// an owner such as a memory-mapped file, which the storage keeps alive and never writes to.
//
// `@unchecked Sendable`: a storage is written only by `Tensor`, and only while that tensor holds
// the single reference to an owned storage; once it is shared, or when it is borrowed, it is never
// written again.
@usableFromInline
final class Storage: @unchecked Sendable {
  @usableFromInline let pointer: UnsafeMutablePointer<Float>
  @usableFromInline let count: Int
  private let owner: (any AnyObject & Sendable)?
  /// Where owned memory counts until it is given back.
  let budget: MemoryBudget?

  var isBorrowed: Bool { owner != nil }

  /// Owned memory whose contents are not yet defined.
  @usableFromInline
  init(uninitialized count: Int) {
    pointer = FloatMemory.allocate(count)
    self.count = count
    owner = nil
    budget = MemoryBudget.charging(count * MemoryLayout<Float>.stride)
  }

  /// Memory that belongs to `owner`.
  init(borrowing pointer: UnsafePointer<Float>, count: Int, owner: any AnyObject & Sendable) {
    self.pointer = UnsafeMutablePointer(mutating: pointer)
    self.count = count
    self.owner = owner
    budget = nil
  }

  func copy() -> Storage {
    let result = Storage(uninitialized: count)
    result.pointer.update(from: pointer, count: count)
    return result
  }

  deinit {
    if owner == nil { FloatMemory.deallocate(pointer) }
    budget?.gave(count * MemoryLayout<Float>.stride)
  }
}
