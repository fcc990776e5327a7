internal import PrismKernels

/// The threads on which Prism computes, for the whole process.
public enum Threads {
  /// How many there are; by default as many as the process may run on.
  ///
  /// The results are the same bits for any number.
  public static var count: Int {
    get { Workers.count }
    set { Workers.count = newValue }
  }

  /// Does short work beside other such work; where there is enough of it for all threads, each
  /// computes on its own.
  ///
  /// - Parameter body: The work.
  /// - Returns: What it returns.
  /// - Throws: What it throws.
  package static func beside<Result>(_ body: () throws -> Result) rethrows -> Result {
    try Workers.pool.beside(body)
  }

  /// Starts the threads, which otherwise happens when they are first needed.
  package static func start() { _ = Workers.pool }
}
