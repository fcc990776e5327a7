#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Memory for floats, at a boundary that suits every vector and cache line.
package enum FloatMemory {
  private static let alignment = 64
  /// The size of a huge page: where the processor's table of pages has one entry instead of 512.
  private static let hugePage = 2 << 20

  /// Memory for at least one float, whose contents are not yet defined.
  ///
  /// Large blocks ask for huge pages: their first use costs one page fault where it would cost 512,
  /// and the kernels miss no translations.
  package static func allocate(_ count: Int) -> UnsafeMutablePointer<Float> {
    let count = max(count, 1)
    let size = count * MemoryLayout<Float>.stride
    #if os(Linux)
      if size >= 2 * hugePage {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: hugePage)
        // A hint: where the system has no such pages, nothing changes.
        _ = madvise(memory, size / hugePage * hugePage, MADV_HUGEPAGE)
        return memory.bindMemory(to: Float.self, capacity: count)
      }
    #endif
    return UnsafeMutableRawPointer.allocate(byteCount: size, alignment: alignment)
      .bindMemory(to: Float.self, capacity: count)
  }

  /// The same, or `nil` where the system has not so much.
  package static func allocateIfPossible(_ count: Int) -> UnsafeMutablePointer<Float>? {
    let (size, overflow) = max(count, 1).multipliedReportingOverflow(
      by: MemoryLayout<Float>.stride)
    guard !overflow else { return nil }
    let isLarge = size >= 2 * hugePage
    var memory: UnsafeMutableRawPointer?
    guard posix_memalign(&memory, isLarge ? hugePage : alignment, size) == 0, let memory else {
      return nil
    }
    #if os(Linux)
      if isLarge { _ = madvise(memory, size / hugePage * hugePage, MADV_HUGEPAGE) }
    #endif
    return memory.bindMemory(to: Float.self, capacity: max(count, 1))
  }

  /// Has the threads of a pool take the huge pages of a block, one thread a page: of two that first
  /// write into one page at the same time both would clear it, and one in vain.
  package static func touch(_ memory: UnsafeMutablePointer<Float>, count: Int, on pool: WorkerPool)
  {
    let pageCount = hugePage / MemoryLayout<Float>.stride
    guard count >= 2 * pageCount else { return }
    pool.run(tasks: (count + pageCount - 1) / pageCount) { page, _ in
      memory[page * pageCount] = 0
    }
  }

  /// Gives back what ``allocate(_:)`` or ``allocateIfPossible(_:)`` gave.
  package static func deallocate(_ pointer: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(pointer).deallocate()
  }
}
