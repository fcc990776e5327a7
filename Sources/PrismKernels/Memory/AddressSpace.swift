#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif
internal import Synchronization

/// What the system gives of memory, asked before it is needed.
///
/// Where the address space of the process is limited (`ulimit -v`, `ulimit -d`, or a system that
/// promises no more than it has), large requests are refused while there is still a margin for all
/// the small ones, which Swift cannot refuse: they would end the process.
package enum AddressSpace {
  /// What is left for small requests by every large one.
  package static let margin = 24 << 20
  /// What a program needs to begin.
  private static let least = 48 << 20
  /// A single request of this size is asked for even where nothing is limited.
  private static let huge = 256 << 20
  /// The stack of a thread where the address space is limited.
  package static let smallStack = 2 << 20

  /// Whether the system may refuse memory of ordinary sizes.
  package static let isLimited: Bool = {
    #if os(Linux)
      return limit(of: CInt(RLIMIT_AS.rawValue)) || limit(of: CInt(RLIMIT_DATA.rawValue))
        || promisesLittle()
    #else
      return false
    #endif
  }()

  // What has been promised to others and may not have been taken yet.
  private static let promised = Atomic<Int>(0)

  /// Runs what takes memory, where the system has so much.
  ///
  /// - Parameters:
  ///   - bytes: What `body` takes at the most.
  ///   - body: The work.
  /// - Returns: What `body` returns.
  /// - Throws: ``OutOfMemoryError`` where the system would refuse; what `body` throws.
  package static func expecting<Result>(
    _ bytes: Int, _ body: () throws -> Result
  ) throws -> Result {
    guard isLimited || bytes >= huge else { return try body() }
    let (all, overflow) = promised.add(bytes, ordering: .relaxed).newValue
      .addingReportingOverflow(isLimited ? margin : 0)
    defer { promised.subtract(bytes, ordering: .relaxed) }
    guard !overflow, canMap(all) else { throw OutOfMemoryError(bytes: bytes) }
    return try body()
  }

  /// Whether the system gives so much at the moment, and leaves the margin.
  package static func hasRoom(for bytes: Int) -> Bool { (try? expecting(bytes) {}) != nil }

  /// Sees to it that small requests have room, at the start of a program.
  ///
  /// Where the address space is limited, threads share one heap and have small stacks: each would
  /// otherwise take 72 MB of addresses.
  ///
  /// - Throws: ``OutOfMemoryError`` where there is not enough to begin.
  package static func prepare() throws(OutOfMemoryError) {
    #if os(Linux)
      guard isLimited else { return }
      tuneHeap()
      shrinkStacks()
      guard canMap(least) else { throw OutOfMemoryError(bytes: least) }
    #endif
  }

  /// Whether the system gives as many bytes.
  private static func canMap(_ bytes: Int) -> Bool {
    let memory = mmap(
      nil, max(bytes, 1), PROT_READ | PROT_WRITE, MAP_PRIVATE | CInt(MAP_ANONYMOUS), -1, 0)
    guard let memory, memory != MAP_FAILED else { return false }
    munmap(memory, max(bytes, 1))
    return true
  }

  #if os(Linux)
    /// Whether a resource of the process is limited.
    private static func limit(of resource: CInt) -> Bool {
      var limit = rlimit()
      guard getrlimit(__rlimit_resource_t(UInt32(resource)), &limit) == 0 else { return false }
      return limit.rlim_cur != rlim_t.max
    }

    /// Whether the system commits itself to no more than it has.
    private static func promisesLittle() -> Bool {
      let file = open("/proc/sys/vm/overcommit_memory", O_RDONLY)
      guard file >= 0 else { return false }
      defer { close(file) }
      var digit: UInt8 = 0
      return read(file, &digit, 1) == 1 && digit == UInt8(ascii: "2")
    }

    /// One heap for all threads, and large blocks given back at once.
    private static func tuneHeap() {
      // malloc.h: M_ARENA_MAX, M_MMAP_THRESHOLD.
      let (arenaMax, mapThreshold): (CInt, CInt) = (-8, -3)
      typealias Function = @convention(c) (CInt, CInt) -> CInt
      guard let address = dlsym(nil, "mallopt") else { return }
      let mallopt = unsafeBitCast(address, to: Function.self)
      _ = mallopt(arenaMax, 1)
      _ = mallopt(mapThreshold, 256 << 10)
    }

    /// Small stacks for threads that libraries make.
    private static func shrinkStacks() {
      typealias Function = @convention(c) (UnsafePointer<pthread_attr_t>) -> CInt
      guard let address = dlsym(nil, "pthread_setattr_default_np") else { return }
      let setDefault = unsafeBitCast(address, to: Function.self)
      var attributes = pthread_attr_t()
      guard pthread_attr_init(&attributes) == 0 else { return }
      defer { pthread_attr_destroy(&attributes) }
      pthread_attr_setstacksize(&attributes, smallStack)
      _ = setDefault(&attributes)
    }
  #endif
}
