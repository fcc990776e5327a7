internal import Synchronization

/// The number of threads that the process computes with.
public enum ThreadCount {
  private static let setting = Mutex<Int?>(nil)

  /// The number of threads; as many as the process may run on unless set.
  public static var current: Int {
    get { setting.withLock { $0 } ?? 1 }
    set { setting.withLock { $0 = max(1, newValue) } }
  }
}
