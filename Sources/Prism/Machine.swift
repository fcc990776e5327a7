internal import PrismRuntime

/// What of the machine Prism uses, for the whole process.
public enum Machine {
  /// The number of threads; by default as many as the process may use.
  ///
  /// The results are the same bits for any number.
  public static var threads: Int {
    get { Workers.count }
    set { Workers.count = newValue }
  }
}
