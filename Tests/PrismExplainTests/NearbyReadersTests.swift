import PrismRuntime
import PrismTensor
import PrismTestSupport
import Testing

@testable import PrismExplain

/// What is read through updates has the bits of whole passes.
@Suite("readers of updates")
struct NearbyReadersTests {
  /// A network of which is not known how it computes what differs.
  struct Whole: Classifier {
    let base: PlannedClassifier

    var inputShape: Shape { base.inputShape }

    func logits(_ images: Tensor) throws -> Tensor { try base.logits(images) }

    func logits(
      count: Int, composing compose: @escaping @Sendable (Int, UnsafeMutablePointer<Float>) -> Void
    ) throws -> Tensor {
      try base.logits(count: count, composing: compose)
    }
  }

  /// Counts what is asked of the classifiers behind one.
  final class Counting: Classifier {
    let base: PlannedClassifier

    init(_ base: PlannedClassifier) { self.base = base }

    var inputShape: Shape { base.inputShape }

    func logits(_ images: Tensor) throws -> Tensor { try base.logits(images) }

    func near(_ image: Tensor) throws -> any Classifier {
      let near = try base.near(image)
      #expect(near is any DescentClassifier)
      return near
    }

    func inSequence() throws -> any Classifier {
      let sequence = try base.inSequence()
      #expect(sequence is SequenceClassifier)
      return sequence
    }
  }

  @Test("Partition SHAP and occlusion", arguments: [ReferenceNetwork.residual, .dense])
  func maps(_ network: ReferenceNetwork) throws {
    let (classifier, input) = try network.make(side: 48)
    let image = ExplainedImage(input)
    let methods: [any BlackBoxExplainer] = [
      PartitionSHAP(evaluations: 120), PartitionSHAP(evaluations: 61, mode: .shap, seed: 3),
      PartitionSHAP(evaluations: 40, masker: .inpainting(sweeps: 2)),
      Occlusion(window: 8, stride: 5),
    ]
    for method in methods {
      let whole = try method.explain(
        image, targets: [0, 2], of: Whole(base: classifier) as any Classifier)
      let near = try method.explain(
        image, targets: [0, 2], of: Counting(classifier) as any Classifier)
      for (a, b) in zip(whole, near) {
        #expect(a.values == b.values, "\(method.name)")
        #expect(a.evaluations == b.evaluations && a.baseValue == b.baseValue)
      }
    }
  }

  @Test("Partition SHAP of a contrast")
  func contrast() throws {
    let (classifier, input) = try ReferenceNetwork.residual.make(side: 48)
    let image = ExplainedImage(input)
    let method = PartitionSHAP(evaluations: 60)
    let contrasts = [Contrast(0, against: 2)]
    let near = try method.explain(
      image, targets: [4], of: classifier.contrastingOutputs(contrasts))
    let whole = try method.explain(
      image, targets: [4], of: Whole(base: classifier).contrastingOutputs(contrasts))
    #expect(near[0].values == whole[0].values)
  }

  @Test("curves of insertion and deletion", arguments: RemovalCurve.Direction.allCases)
  func curves(_ direction: RemovalCurve.Direction) throws {
    let (classifier, input) = try ReferenceNetwork.residual.make(side: 48)
    // Rectangles one after the other, and noise, which is everywhere.
    var random = SeededRandom(seed: 6)
    let blocks = Tensor([48, 48]) { target in
      for p in target.indices { target[p] = Float((p / 48 / 8 * 6 + p % 48 / 8) * 7 % 36) }
    }
    for map in [blocks, Tensor.uniform([48, 48], using: &random)] {
      let curve = RemovalCurve(direction, step: 16)
      let whole = try curve(
        map, target: 1, image: ExplainedImage(input), of: Whole(base: classifier))
      let near = try curve(
        map, target: 1, image: ExplainedImage(input), of: Counting(classifier))
      #expect(whole == near)
    }
    #expect(PixelRemoval(by: blocks, step: 16, isInsertion: true).meanExtent(width: 48) < 0.04)
  }
}
