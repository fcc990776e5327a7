#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A thread of the system, which may be refused.
package struct SystemThread: @unchecked Sendable {
  // A handle that is written here once and read once, by `join` or `detach`.
  private let handle: pthread_t

  // What a thread does: a C function knows no closures.
  private final class Start {
    let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  /// Begins a thread; `nil` where the system has none.
  ///
  /// - Parameter body: What it does.
  package init?(_ body: @escaping @Sendable () -> Void) {
    let start = Unmanaged.passRetained(Start(body))
    #if canImport(Darwin)
      var created: pthread_t?
      let status = pthread_create(&created, nil, { Self.main($0) }, start.toOpaque())
    #else
      var created = pthread_t()
      let status = Self.withAttributes { attributes in
        pthread_create(&created, attributes, { $0.flatMap(Self.main) }, start.toOpaque())
      }
    #endif
    guard status == 0 else {
      start.release()
      return nil
    }
    #if canImport(Darwin)
      guard let created else { return nil }
    #endif
    handle = created
  }

  /// Waits for its end.
  package func join() { pthread_join(handle, nil) }

  /// Lets it go its way; nobody will wait for it.
  package func detach() { pthread_detach(handle) }

  private static func main(_ argument: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
    Unmanaged<Start>.fromOpaque(argument).takeRetainedValue().body()
    return nil
  }

  #if !canImport(Darwin)
    /// A small stack where addresses are few; the system's own size elsewhere.
    private static func withAttributes(
      _ create: (UnsafePointer<pthread_attr_t>?) -> CInt
    ) -> CInt {
      guard AddressSpace.isLimited else { return create(nil) }
      var attributes = pthread_attr_t()
      guard pthread_attr_init(&attributes) == 0 else { return ENOMEM }
      defer { pthread_attr_destroy(&attributes) }
      pthread_attr_setstacksize(&attributes, AddressSpace.smallStack)
      // What the thread does needs memory too.
      let status = try? AddressSpace.expecting(AddressSpace.smallStack) { create(&attributes) }
      return status ?? ENOMEM
    }
  #endif
}
