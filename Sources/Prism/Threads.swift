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

  /// Starts the threads, which otherwise happens when they are first needed.
  package static func start() { _ = Workers.pool }
}
