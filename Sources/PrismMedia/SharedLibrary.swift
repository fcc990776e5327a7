#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A library of the system that is loaded when its first function is wanted, and never unloaded.
///
/// What most commands do not need is not linked: a decoder with the libraries that it needs itself
/// lengthens the start of every process, and a system without it can still do everything else.
struct SharedLibrary {
  private let handle: UnsafeMutableRawPointer

  /// Loads a library, or is `nil` where the system has none of the names.
  ///
  /// - Parameter names: Its file names, those that are tried first in front.
  init?(_ names: String...) {
    guard let handle = names.lazy.compactMap({ dlopen($0, RTLD_NOW | RTLD_LOCAL) }).first else {
      return nil
    }
    self.handle = handle
  }

  /// A function of the library.
  ///
  /// - Parameters:
  ///   - name: Its name.
  ///   - as: Its type, which must be what the library says.
  /// - Returns: The function.
  /// - Throws: ``Missing`` where the library has none of that name.
  func function<Function>(
    _ name: String, as: Function.Type = Function.self
  ) throws(Missing) -> Function {
    guard let address = dlsym(handle, name) else { throw Missing() }
    return unsafeBitCast(address, to: Function.self)
  }

  /// The library lacks a function.
  struct Missing: Error {}
}
