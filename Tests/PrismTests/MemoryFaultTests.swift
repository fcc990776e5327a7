import Prism
import PrismKernels
import PrismSmallModels
import PrismTestSupport
import Testing

@Suite("memory that is refused")
struct MemoryFaultTests {
  /// What is asked of a model.
  enum Question: String, CaseIterable, Sendable {
    case classify, gradcam, scorecam, lime, kernelshap, integratedGradients, deeplift

    fileprivate var explainer: (any Explainer)? {
      let grid = Segmenter.grid(rows: 2, columns: 3)
      return switch self {
      case .classify: nil
      case .gradcam: GradCAM()
      case .scorecam: ScoreCAM()
      case .lime: LIME(samples: 24, segmenter: grid)
      case .kernelshap: KernelSHAP(samples: 24, segmenter: grid)
      case .integratedGradients: IntegratedGradients(steps: 3)
      case .deeplift: DeepLIFT()
      }
    }
  }

  /// The numbers that a model answers with.
  private static func answer(_ question: Question, _ model: Model, _ image: Image) throws -> [Float]
  {
    let prediction = try model.predict(image)
    guard let explainer = question.explainer else {
      return prediction.entries.map { Float($0.logit) }
    }
    return try model.explain(image, with: explainer, target: prediction.top).values.scalars
  }

  @Test(
    "whichever request is refused, that work ends with an error and what follows has the same bits",
    arguments: Question.allCases)
  func everyRequest(_ question: Question) throws {
    let image = try Pictures.picture(brightHalf: 0)
    let expected = try Self.answer(question, Model(contentsOf: SmallModel.softmax), image)
    var refused = 0
    for request in 1... {
      // A model of its own: the first use packs weights.
      let model = try Model(contentsOf: SmallModel.softmax)
      let budget = MemoryBudget(refusing: request)
      let result = MemoryBudget.$current.withValue(budget) {
        Result { try Self.answer(question, model, image) }
      }
      if budget.isWaiting {
        #expect(try result.get() == expected)
        // Nothing large is taken that had not been asked for.
        #expect(budget.unexpected.isEmpty, "\(budget.unexpected.count) of \(request)")
        break
      }
      refused += 1
      #expect(throws: OutOfMemoryError.self, "request \(request)") { try result.get() }
      if request < 40 || request % 16 == 0 {
        #expect(try Self.answer(question, model, image) == expected, "after request \(request)")
      }
    }
    #expect(refused > 4)
  }

  @Test("work that needs more than the limit is refused, and the line names the limit")
  func limit() throws {
    let model = try Model(contentsOf: SmallModel.softmax)
    let image = try Pictures.picture(brightHalf: 0)
    let error = #expect(throws: OutOfMemoryError.self) {
      try Limits.$current.withValue(Limits([.memory: 4096])) { try model.predict(image) }
    }
    #expect(error?.limit == 4096 && error?.description.contains("--limit memory=N") == true)
    #expect(throws: Never.self) { try model.predict(image) }
  }

  @Test("what is held for speed leaves room for the rest: where less memory is enough, more is")
  func roomBeside() throws {
    let model = try Model(contentsOf: SmallModel.softmax)
    let image = try Pictures.picture(brightHalf: 0)
    let target = try model.predict(image).top
    let methods: [any Explainer] = [
      PartitionSHAP(evaluations: 200), Occlusion(window: 8, stride: 4),
    ]
    for method in methods {
      let expected = try model.explain(image, with: method, target: target).values
      var wasEnough = false
      var limit = 1 << 18
      while limit < 256 << 20 {
        let found = MemoryBudget.$current.withValue(MemoryBudget(limit: limit)) {
          Result { try model.explain(image, with: method, target: target).values }
        }
        switch found {
        case .success(let values):
          wasEnough = true
          #expect(values == expected)
        case .failure(let error):
          #expect(!wasEnough, "\(method.name) with \(limit) bytes: \(error)")
        }
        limit += limit / 8
      }
      #expect(wasEnough)
    }
  }

  @Test("memory that is given back can be taken again")
  func accounting() throws {
    let budget = MemoryBudget(limit: 1 << 20)
    MemoryBudget.$current.withValue(budget) {
      for _ in 0..<8 {
        let tensor = Tensor([200, 1000])
        #expect(budget.byteCount == 800_000)
        // Another place that holds it takes nothing.
        let other = tensor.reshaped(to: [1000, 200])
        #expect(other.count == tensor.count && budget.byteCount == 800_000)
      }
      #expect(budget.byteCount == 0)
      #expect(throws: OutOfMemoryError.self) { try Memory.expecting(2 << 20) {} }
    }
  }
}
