import PrismAutodiff
import PrismRuntime
import PrismTensor
import PrismTestSupport
import Synchronization
import Testing

@testable import PrismExplain

@Suite("work of methods that look inside the model")
struct WorkTests {
  /// The methods that differentiate the model or look at a layer.
  static let methods: [ExplanationMethod] = ExplanationMethod.allCases.filter {
    !($0.explainer() is any BlackBoxExplainer)
  }

  /// A method with more evaluations than one batch, where it has more than one.
  static func explainer(_ method: ExplanationMethod) -> any Explainer {
    method.explainer(ExplanationMethodTests.settings())
  }

  @Test("what is planned is done at the end, and the reports never go back", arguments: methods)
  func planned(_ method: ExplanationMethod) throws {
    let (classifier, image) = try ExplanationMethodTests.network()
    let reports = Reports()
    _ = try Self.explainer(method).explain(
      image, targets: [0, 2], of: classifier, work: Work { reports.add($0) })
    let all = reports.all
    let first = try #require(all.first)
    let last = try #require(all.last)
    // The plan comes first, and it is all there is.
    #expect(first.done == 0 && first.planned > 0)
    #expect(last.done == last.planned && last.planned == first.planned)
    #expect(zip(all, all.dropFirst()).allSatisfy { $0.done <= $1.done })
  }

  @Test("Integrated Gradients plans more as it refines")
  func refinement() throws {
    // A kink whose place no smooth rule meets.
    let recording = try Recording(input: [1, 1, 2, 1]) { x in
      let shift = x.parameter(Tensor([1, 1, 2, 1], [-0.771, -0.313]), named: "shift")
      return (x.named("input") + shift).relu().reshaped(to: [1, 2])
        .dense(x.parameter(Tensor([1, 2], [1, -0.9]), named: "w"))
    }
    let classifier = PlannedClassifier(recording, defaultLayer: "input")
    let reports = Reports()
    let map = try IntegratedGradients().explain(
      ExplainedImage(Tensor([1, 1, 2, 1], [0.8, 0.341])), targets: [0], of: classifier,
      work: Work { reports.add($0) })[0]
    let last = try #require(reports.all.last)
    #expect(map.evaluations > 52 && last.planned == map.evaluations && last.done == last.planned)
    #expect(reports.all.first?.planned == 52)
  }

  @Test("a task that is cancelled at the first report ends with the next one", arguments: methods)
  func cancelled(_ method: ExplanationMethod) async throws {
    let (classifier, image) = try ExplanationMethodTests.network()
    let reports = Reports()
    let task = Task {
      try Self.explainer(method).explain(
        image, targets: [0, 2], of: classifier,
        work: Work { progress in
          reports.add(progress)
          withUnsafeCurrentTask { $0?.cancel() }
        })
    }
    await #expect(throws: CancellationError.self) { _ = try await task.value }
    // The plan, and no more than one batch.
    #expect(reports.all.filter { $0.done > 0 }.count == 1)
  }
}

/// What work has reported, in order.
final class Reports: Sendable {
  private let reports = Mutex<[Work.Progress]>([])
  var all: [Work.Progress] { reports.withLock { $0 } }
  func add(_ progress: Work.Progress) { reports.withLock { $0.append(progress) } }
}
