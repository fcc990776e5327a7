import Prism
import PrismRuntime
import Synchronization
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite("asynchronous forms")
struct AsynchronousTests {
  /// Counts what a model is asked, and cancels a task at some number.
  private final class Counter: Sendable {
    private let state = Mutex((count: 0, task: Task<Explanation, any Error>?.none))
    let limit: Int

    init(limit: Int) { self.limit = limit }

    var count: Int { state.withLock { $0.count } }

    func start(_ task: Task<Explanation, any Error>) { state.withLock { $0.task = task } }

    func add(_ count: Int) {
      let task = state.withLock { state in
        state.count += count
        return state.count >= limit ? state.task : nil
      }
      task?.cancel()
    }
  }

  @Test("a cancelled LIME of 6000 samples ends within a batch")
  func cancellation() async throws {
    let counter = Counter(limit: 600)
    let isOpen = Mutex(true)
    let box = BlackBox(
      ClosureClassifier(inputShape: [1, 32, 32, 3], labels: ["sum"]) { images in
        while !isOpen.withLock({ $0 }) {}
        counter.add(images.shape[0])
        return Tensor(
          [images.shape[0], 1], (0..<images.shape[0]).map { Float(images.slice($0).sum) })
      }, output: .sigmoid(threshold: 0.5))
    let image = try Pictures.picture(brightHalf: 0)
    let target = try box.predict(image).top
    isOpen.withLock { $0 = false }
    let progress = Mutex<[Work.Progress]>([])
    let task = Task {
      try await box.explain(
        image, with: LIME(samples: 6000, segmenter: .grid(rows: 4, columns: 4)), target: target,
        work: Work { now in progress.withLock { $0.append(now) } })
    }
    counter.start(task)
    isOpen.withLock { $0 = true }
    await #expect(throws: CancellationError.self) { try await task.value }
    // What was asked when the task was cancelled, and at most the rest of that batch.
    #expect(counter.count >= 600 && counter.count <= 600 + 2 * 256)
    let reports = progress.withLock { $0 }
    #expect(reports.last.map { $0.done <= counter.count && $0.planned >= 6000 } == true)
    #expect(zip(reports, reports.dropFirst()).allSatisfy { $0.done <= $1.done })
  }

  @Test("32 tasks at once give the bits of one after the other")
  func concurrent() async throws {
    let model = try Pictures.model()
    let methods: [any Explainer] = [
      GradCAM(), Saliency(), RISE(samples: 40), DeepLIFT(), ScoreCAM(),
    ]
    @Sendable func picture(_ i: Int) throws -> Image {
      try Pictures.picture(brightHalf: i % 2, seed: UInt64(i))
    }
    func bits(_ maps: [Explanation]) -> [[UInt32]] {
      maps.map { $0.values.scalars.map(\.bitPattern) }
    }
    func explain(_ i: Int) throws -> [Explanation] {
      try model.explain(
        try picture(i), with: methods[i % methods.count], targets: model.predict(picture(i)).entries
      )
    }
    let expected = try (0..<32).map { bits(try explain($0)) }
    let found = try await withThrowingTaskGroup(of: (Int, [[UInt32]]).self) { group in
      for i in 0..<32 {
        group.addTask {
          let targets = try await model.predict(try picture(i)).entries
          return (
            i,
            bits(
              try await model.explain(
                picture(i), with: methods[i % methods.count], targets: targets))
          )
        }
      }
      var found = [[[UInt32]]](repeating: [], count: 32)
      for try await (i, bits) in group { found[i] = bits }
      return found
    }
    #expect(found == expected)
  }

  @Test("work that blocks its thread does not hold up other tasks")
  func ownThreads() async throws {
    // More blocked jobs than the shared pool has threads; only a task of that pool lets them go.
    let gate = Gate()
    let ran = try await withThrowingTaskGroup(of: Int.self) { group in
      for i in 0..<40 {
        group.addTask {
          try await WorkThreads.run {
            try gate.wait()
            return i
          }
        }
      }
      group.addTask {
        for _ in 0..<10 { await Task.yield() }
        gate.open()
        return 40
      }
      return try await group.reduce(into: Set<Int>()) { $0.insert($1) }
    }
    #expect(ran == Set(0...40))
  }

  /// Holds threads up until it is opened.
  private final class Gate: Sendable {
    private let isOpen = Atomic(false)

    func open() { isOpen.store(true, ordering: .releasing) }

    func wait() throws {
      while !isOpen.load(ordering: .acquiring) {
        try Task.checkCancellation()
        usleep(1000)
      }
    }
  }

  @Test("training stops within a step, and the network is then as it was")
  func training() async throws {
    let steps = Mutex(0)
    let task = Task {
      let data = try Pictures.training()
      var network = try ownNetwork()
      let before = network.parameters
      do {
        _ = try await network.train(
          data.pictures.map { $0.tensor().reshaped(to: [1, 32, 32, 3]) },
          truths: data.sides.map(DataSet.Truth.label),
          objective: Objective(.multiclass, labelCount: 2), epochs: 1000, batch: 8,
          work: Work { now in
            steps.withLock { $0 = now.done }
            if now.done == 3 { withUnsafeCurrentTask { $0?.cancel() } }
          })
        Issue.record("training was not stopped")
      } catch is CancellationError {}
      #expect(network.parameters == before)
    }
    try await task.value
    #expect(steps.withLock { $0 } == 3)
  }
}
