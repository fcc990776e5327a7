package import PrismAutodiff
package import PrismTensor
internal import Synchronization

/// The identity, which counts how often it is evaluated, on any thread.
package struct CountedIdentity: ElementwisePrimitive {
  private final class Counter: Sendable {
    let count = Atomic(0)
  }

  private let counter = Counter()

  package init() {}

  package var name: String { "counted" }
  package var nature: Nature { .linear }

  /// The evaluations of this value and its copies.
  package var evaluations: Int { counter.count.load(ordering: .relaxed) }

  package func forward(_ inputs: [Tensor]) -> Tensor {
    counter.count.add(1, ordering: .relaxed)
    return inputs[0]
  }

  package func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] { [cotangent] }
}
