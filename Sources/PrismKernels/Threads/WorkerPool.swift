import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Threads that stay alive between parallel regions.
///
/// A region costs well under a microsecond while the threads are awake: they spin for about 200 µs
/// after their last region, then sleep. That bridges the steps of a network that one thread does,
/// such as squeeze-and-excitation's, on slow processors too: to wake a thread takes longer there.
///
/// A region that is started inside another one, or while another thread uses the pool, runs on its
/// caller alone, so that nesting and concurrent use cannot deadlock. The pool decides who computes
/// what, never what is computed: results must not depend on it.
package final class WorkerPool: Sendable {
  private let shared: PoolState
  private let threads: [SystemThread]
  private let besides = Atomic<Int>(0)

  /// The workers, the calling thread included.
  package let workerCount: Int

  /// Starts a pool.
  ///
  /// - Parameter workerCount: Workers including the caller of `run`; nil for
  ///   `WorkerPool.defaultWorkerCount()`. If the system refuses a thread, the pool has fewer.
  package init(workerCount: Int? = nil) {
    let wanted = max(1, workerCount ?? Self.defaultWorkerCount())
    let shared = PoolState()
    var threads: [SystemThread] = []
    for worker in 1..<max(wanted, 1) {
      let thread = SystemThread {
        SubnormalNumbers.flush()
        shared.serve(worker: worker)
      }
      guard let thread else { break }
      threads.append(thread)
    }
    self.shared = shared
    self.threads = threads
    self.workerCount = threads.count + 1
  }

  deinit {
    shared.stop()
    for thread in threads { thread.join() }
  }

  /// Runs tasks on all workers and returns when every one is done.
  ///
  /// - Parameters:
  ///   - tasks: How many; they are handed out in ascending order.
  ///   - body: Runs with subnormal numbers taken and given as zero, on every worker. Receives the
  ///     task in `0..<tasks` and the worker in `0..<workerCount`; no two tasks of this call run at
  ///     once on the same worker, so that the worker can choose a scratch buffer.
  package func run(tasks: Int, _ body: (_ task: Int, _ worker: Int) -> Void) {
    let before = SubnormalNumbers.flush()
    defer { SubnormalNumbers.restore(before) }
    guard tasks > 1, freeCount > 1, shared.acquire() else {
      for task in 0..<max(tasks, 0) { body(task, 0) }
      return
    }
    withoutActuallyEscaping(body) { body in shared.runRegion(tasks: tasks, body) }
    shared.release()
  }

  /// How many workers a region that begins now may have: the calling thread alone where there is
  /// as much work side by side as there are workers.
  package var freeCount: Int {
    besides.load(ordering: .relaxed) >= workerCount ? 1 : workerCount
  }

  /// Does work that goes on beside other work of its kind.
  ///
  /// Where as much of it goes on as there are workers, each computes on its own thread alone:
  /// nobody waits for threads that help somebody else.
  ///
  /// - Parameter body: Runs regions.
  /// - Returns: What it returns.
  /// - Throws: What it throws.
  package func beside<Result>(_ body: () throws -> Result) rethrows -> Result {
    besides.add(1, ordering: .relaxed)
    defer { besides.subtract(1, ordering: .relaxed) }
    return try body()
  }

  /// Returns the processors this process may use: its affinity, bounded by the CPU quota of its
  /// control group.
  package static func defaultWorkerCount() -> Int {
    var count = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    #if os(Linux)
      // `sched_getaffinity` is hidden behind a feature macro; /proc tells the same.
      if let allowed = allowedProcessors() { count = min(count, allowed) }
      if let quota = controlGroupQuota() { count = min(count, max(1, Int(quota))) }
    #endif
    return count
  }
}

/// A region as its workers see it.
private struct Region {
  var tasks = 0
  var body: ((Int, Int) -> Void)?
}

/// What the threads of a pool share.
///
/// `state` holds the number of the current region, whether it is open, and how many threads are
/// inside. A thread enters an open region by adding one to `state`; the caller closes the region
/// when the tasks have run out and waits until nobody is inside. `region` is written only by the
/// owner of `busy` while the region is closed and empty, so that entering (acquire) after opening
/// (release) is the only way to read it: there is no race, hence `@unchecked`.
private final class PoolState: @unchecked Sendable {
  private let state = Atomic<UInt64>(0)
  private let next = Atomic<Int>(0)
  private let busy = Atomic<Bool>(false)
  private let sleepers = Atomic<Int>(0)
  private let callerSleeps = Atomic<Bool>(false)
  private let stopping = Atomic<Bool>(false)
  private var region = Region()

  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let wake: UnsafeMutablePointer<pthread_cond_t>
  private let done: UnsafeMutablePointer<pthread_cond_t>

  private static let open: UInt64 = 1 << 16
  private static let insideMask: UInt64 = open - 1
  private static let spinNanoseconds: UInt64 = 200_000

  init() {
    mutex = .allocate(capacity: 1)
    wake = .allocate(capacity: 1)
    done = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(wake, nil)
    pthread_cond_init(done, nil)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    pthread_cond_destroy(wake)
    pthread_cond_destroy(done)
    mutex.deallocate()
    wake.deallocate()
    done.deallocate()
  }

  /// Takes the pool for one region, unless somebody has it.
  func acquire() -> Bool {
    busy.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged
  }

  /// Gives the pool back.
  func release() { busy.store(false, ordering: .releasing) }

  /// Runs a region; the caller owns the pool.
  func runRegion(tasks: Int, _ body: @escaping (Int, Int) -> Void) {
    region = Region(tasks: tasks, body: body)
    next.store(0, ordering: .relaxed)
    let number = (state.load(ordering: .relaxed) >> 17) &+ 1
    state.store((number << 17) | Self.open, ordering: .sequentiallyConsistent)
    if sleepers.load(ordering: .sequentiallyConsistent) > 0 {
      pthread_mutex_lock(mutex)
      pthread_cond_broadcast(wake)
      pthread_mutex_unlock(mutex)
    }
    work(tasks, body, worker: 0)
    var inside =
      state.bitwiseAnd(~Self.open, ordering: .sequentiallyConsistent).newValue & Self.insideMask
    if inside != 0 {
      let start = nanoseconds()
      while inside != 0 && nanoseconds() &- start < Self.spinNanoseconds {
        inside = state.load(ordering: .acquiring) & Self.insideMask
      }
    }
    if inside != 0 {
      pthread_mutex_lock(mutex)
      callerSleeps.store(true, ordering: .sequentiallyConsistent)
      while state.load(ordering: .sequentiallyConsistent) & Self.insideMask != 0 {
        pthread_cond_wait(done, mutex)
      }
      callerSleeps.store(false, ordering: .relaxed)
      pthread_mutex_unlock(mutex)
    }
    region = Region()
  }

  /// Tells the threads to leave.
  func stop() {
    pthread_mutex_lock(mutex)
    stopping.store(true, ordering: .sequentiallyConsistent)
    pthread_cond_broadcast(wake)
    pthread_mutex_unlock(mutex)
  }

  /// The life of a thread.
  func serve(worker: Int) {
    var seen: UInt64 = 0
    while let current = waitForRegion(after: seen) {
      seen = current
      // Enter, unless the region has been closed meanwhile.
      var expected = state.load(ordering: .relaxed)
      var entered = false
      while expected >> 17 == current && expected & Self.open != 0 {
        let result = state.compareExchange(
          expected: expected, desired: expected + 1, ordering: .acquiring)
        if result.exchanged {
          entered = true
          break
        }
        expected = result.original
      }
      guard entered else { continue }
      if let body = region.body { work(region.tasks, body, worker: worker) }
      let left = state.subtract(1, ordering: .sequentiallyConsistent).newValue
      if left & (Self.insideMask | Self.open) == 0,
        callerSleeps.load(ordering: .sequentiallyConsistent)
      {
        pthread_mutex_lock(mutex)
        pthread_cond_signal(done)
        pthread_mutex_unlock(mutex)
      }
    }
  }

  private func work(_ tasks: Int, _ body: (Int, Int) -> Void, worker: Int) {
    while true {
      let task = next.add(1, ordering: .relaxed).oldValue
      if task >= tasks { return }
      body(task, worker)
    }
  }

  /// Returns the number of an open region that is not `seen`, or nil when the pool is going away.
  private func waitForRegion(after seen: UInt64) -> UInt64? {
    func fresh() -> UInt64? {
      let now = state.load(ordering: .sequentiallyConsistent)
      return now & Self.open != 0 && now >> 17 != seen ? now >> 17 : nil
    }
    let start = nanoseconds()
    repeat {
      for _ in 0..<64 { if let number = fresh() { return number } }
      if stopping.load(ordering: .relaxed) { return nil }
    } while nanoseconds() &- start < Self.spinNanoseconds
    pthread_mutex_lock(mutex)
    sleepers.add(1, ordering: .sequentiallyConsistent)
    defer {
      sleepers.subtract(1, ordering: .sequentiallyConsistent)
      pthread_mutex_unlock(mutex)
    }
    while true {
      if stopping.load(ordering: .relaxed) { return nil }
      if let number = fresh() { return number }
      pthread_cond_wait(wake, mutex)
    }
  }
}

/// A clock that only runs forward.
private func nanoseconds() -> UInt64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
}

#if os(Linux)
  /// Returns the processors' worth of time that the control groups of this process allow, or nil
  /// without a limit.
  private func controlGroupQuota() -> Double? {
    var quota: Double?
    func consider(_ limit: Double?) {
      guard let limit, limit > 0 else { return }
      quota = min(quota ?? limit, limit)
    }
    for line in (readSmallFile("/proc/self/cgroup") ?? "").split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      // Version 2 has one line with an empty controller list, version 1 one line a hierarchy.
      let isUnified = parts[1].isEmpty
      guard isUnified || parts[1].split(separator: ",").contains("cpu") else { continue }
      var path = parts[2].split(separator: "/").map(String.init)
      // A limit may stand at any level above; inside a container the path may not exist, then only
      // the root does.
      while true {
        let folder = path.isEmpty ? "" : "/" + path.joined(separator: "/")
        if isUnified {
          if let text = readSmallFile("/sys/fs/cgroup\(folder)/cpu.max") {
            let fields = text.split(whereSeparator: \.isWhitespace)
            if fields.count == 2, let time = Double(fields[0]), let period = Double(fields[1]) {
              consider(period > 0 ? time / period : nil)
            }
          }
        } else {
          let base = "/sys/fs/cgroup/\(parts[1])\(folder)/cpu.cfs_"
          if let time = readSmallFile(base + "quota_us").flatMap(firstNumber),
            let period = readSmallFile(base + "period_us").flatMap(firstNumber), period > 0
          {
            consider(time / period)
          }
        }
        if path.isEmpty { break }
        path.removeLast()
      }
    }
    return quota
  }

  /// Returns how many processors the affinity of this process names, as in
  /// `Cpus_allowed_list: 0-3,8`.
  private func allowedProcessors() -> Int? {
    let lines = (readSmallFile("/proc/self/status") ?? "").split(separator: "\n")
    guard let line = lines.first(where: { $0.hasPrefix("Cpus_allowed_list:") }),
      let list = line.split(whereSeparator: \.isWhitespace).last
    else { return nil }
    var count = 0
    for range in list.split(separator: ",") {
      let ends = range.split(separator: "-").compactMap { Int($0) }
      guard let first = ends.first, let last = ends.last, last >= first else { return nil }
      count += last - first + 1
    }
    return count > 0 ? count : nil
  }

  private func firstNumber(_ text: String) -> Double? {
    text.split(whereSeparator: \.isWhitespace).first.flatMap { Double($0) }
  }
#endif

/// Returns the start of a small text file, or nil.
func readSmallFile(_ path: String) -> String? {
  let file = open(path, O_RDONLY)
  guard file >= 0 else { return nil }
  defer { close(file) }
  var bytes = [UInt8](repeating: 0, count: 1 << 16)
  let count = read(file, &bytes, bytes.count)
  guard count > 0 else { return nil }
  return String(decoding: bytes[0..<count], as: UTF8.self)
}
