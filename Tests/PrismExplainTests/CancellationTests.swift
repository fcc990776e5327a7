import PrismKernels
import PrismRuntime
import PrismTensor
import PrismTestSupport
import Synchronization
import Testing

@testable import PrismExplain

@Suite("black-box methods that are watched and stopped")
struct CancellationTests {
  /// Counts its images, and waits a little for each so that batches stay small.
  final class Counting: Classifier {
    let inputShape: Shape = [1, 6, 6, 3]
    let images = Mutex(0)
    let largest = Mutex(0)

    func logits(_ images: Tensor) throws -> Tensor {
      let count = images.shape[0]
      self.images.withLock { $0 += count }
      largest.withLock { $0 = max($0, count) }
      return Tensor([count, 1], images.scalars.prefix(count).map { $0 })
    }
  }

  static let image = ExplainedImage(ReferenceValues.pixels([6, 6, 3]))
  static let grid = Segmenter.grid(rows: 3, columns: 3)

  static func methods() -> [any BlackBoxExplainer] {
    [
      LIME(samples: 6000, segmenter: grid), KernelSHAP(samples: 400, segmenter: grid),
      RISE(samples: 6000, cells: 3, output: .logit), Occlusion(window: 1, stride: 1),
      PartitionSHAP(evaluations: 100, masker: .mean), Sobol(samples: 500, cells: 3),
      HSIC(samples: 300, cells: 3), PermutationSHAP(segmenter: grid),
    ]
  }

  @Test("a cancelled method ends within one batch, at the first look or later")
  func cancelling() async throws {
    for method in Self.methods() {
      for allowed in [0, 20] {
        let classifier = Counting()
        let task = Task {
          let work = Work { progress in
            if progress.done >= allowed { withUnsafeCurrentTask { $0?.cancel() } }
          }
          return try method.explain(
            Self.image, targets: [0], of: classifier as any Classifier, work: work)
        }
        await #expect(throws: CancellationError.self, "\(method.name)") { try await task.value }
        let done = classifier.images.withLock { $0 }
        #expect(done <= allowed + max(EvaluationBatch.limit, Workers.count), "\(method.name)")
      }
    }
  }

  @Test("every method does what it has planned, in batches of at most sixteen")
  func progress() throws {
    for method in Self.methods() {
      let classifier = Counting()
      let last = Mutex(Work.Progress(done: 0, planned: 0))
      let planned = Mutex<Int?>(nil)
      let work = Work { progress in
        last.withLock { $0 = progress }
        planned.withLock { if $0 == nil { $0 = progress.planned } }
      }
      let maps = try method.explain(
        Self.image, targets: [0], of: classifier as any Classifier, work: work)
      let (end, images) = (last.withLock { $0 }, classifier.images.withLock { $0 })
      #expect(end.done == images && end.done == maps[0].evaluations, "\(method.name)")
      // shap may find nothing left to divide.
      #expect(end.planned >= end.done && end.planned == planned.withLock { $0 }, "\(method.name)")
      #expect(
        classifier.largest.withLock { $0 } <= max(EvaluationBatch.limit, Workers.count),
        "\(method.name)")
    }
  }

  @Test("a cancelled task divides no picture")
  func segmenting() async throws {
    let pixels = Tensor([40, 40, 3], repeating: 9)
    let image = ExplainedImage(pixels.reshaped(to: [1, 40, 40, 3]), pixels: pixels)
    for segmenter in [Segmenter.quickshift(), .slic(), .felzenszwalb()] {
      let task = Task {
        withUnsafeCurrentTask { $0?.cancel() }
        return try segmenter.segments(of: image)
      }
      await #expect(throws: CancellationError.self) { try await task.value }
    }
  }

  @Test("batches grow while they are quick and shrink when they are slow")
  func batches() {
    var batch = EvaluationBatch(threads: 2)
    #expect(batch.size == 2)
    var sizes: [Int] = []
    for _ in 0..<5 {
      batch.adapt(to: .milliseconds(batch.size), for: batch.size)
      sizes.append(batch.size)
    }
    #expect(sizes == [4, 8, 16, 16, 16])
    batch.adapt(to: .milliseconds(480), for: 16)
    #expect(batch.size == 2)
    batch.adapt(to: .seconds(10), for: 2)
    #expect(batch.size == 2)
    batch.adapt(to: .milliseconds(30), for: 2)
    #expect(batch.size == 4)
    #expect(EvaluationBatch(threads: 64).size == 64)
  }
}
