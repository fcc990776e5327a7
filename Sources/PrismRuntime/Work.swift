internal import Synchronization

/// Work that its owner can watch and stop: evaluations of a model done, of those planned.
///
/// Whoever evaluates a model announces how often it will (``plan(_:)``), and tells after every
/// batch how many evaluations are done (``did(_:)``), which is also where work ends that has been
/// cancelled: that of a cancelled `Task`.
public struct Work: Sendable {
  /// How far work is.
  public struct Progress: Sendable, Equatable {
    /// The evaluations that are done.
    public let done: Int
    /// The evaluations that are planned so far; work that stops early does fewer, and work that
    /// refines plans more.
    public let planned: Int

    /// Makes a report.
    public init(done: Int, planned: Int) {
      self.done = done
      self.planned = planned
    }
  }

  /// Work that nobody watches; it ends where its task is cancelled.
  public static let unwatched = Work(meter: nil)

  // What all copies of a value share.
  private final class Meter: Sendable {
    let counts = Mutex((done: 0, planned: 0))
    let report: @Sendable (Progress) -> Void

    init(_ report: @escaping @Sendable (Progress) -> Void) { self.report = report }

    func change(_ change: (inout (done: Int, planned: Int)) -> Void) {
      let counts = counts.withLock { counts in
        change(&counts)
        return counts
      }
      report(Progress(done: counts.done, planned: max(counts.planned, counts.done)))
    }
  }

  private let meter: Meter?

  private init(meter: Meter?) { self.meter = meter }

  /// Makes work that is watched.
  ///
  /// - Parameter report: Is told how far the work is after every batch, on the thread that works.
  public init(report: @escaping @Sendable (Progress) -> Void) {
    meter = Meter(report)
  }

  /// Announces evaluations.
  public func plan(_ evaluations: Int) {
    meter?.change { $0.planned += evaluations }
  }

  /// Tells of evaluations that are done.
  ///
  /// - Throws: `CancellationError` where the task has been cancelled.
  public func did(_ evaluations: Int) throws {
    meter?.change { $0.done += evaluations }
    try check()
  }

  /// Ends work that nobody waits for.
  ///
  /// - Throws: `CancellationError` where the task has been cancelled.
  public func check() throws { try Task.checkCancellation() }
}
