internal import PrismAutodiff
internal import Synchronization

/// The plans of relevance of one recording.
///
/// They have weights of their own, which composites make of the recording's; those of the composite
/// that was asked for last are held.
final class RelevancePlans: Sendable {
  /// The plans of one composite.
  private final class Held: Sendable {
    let rule: GradientPlan.Rule
    let weights = PackedWeights()
    let plans = PlanStore<GradientPlan.Walk, GradientPlan?>()

    init(_ rule: GradientPlan.Rule) { self.rule = rule }
  }

  private let held = Mutex<Held?>(nil)

  /// The bytes of packed weights.
  var byteCount: Int { held.withLock { $0 }?.weights.byteCount ?? 0 }

  /// The plan that divides relevance; `nil` where there is none.
  ///
  /// - Parameters:
  ///   - walk: What it computes.
  ///   - recording: Always the same.
  ///   - precision: How much rounding is allowed for speed.
  /// - Returns: The same plan for the same, unless other composites were asked for meanwhile.
  /// - Throws: `InstructionSetError`; `OutOfMemoryError`.
  func plan(
    for walk: GradientPlan.Walk, in recording: Recording, precision: Plan.Precision
  ) throws -> GradientPlan? {
    let held = held.withLock { held in
      if let held, held.rule == walk.rule { return held }
      let next = Held(walk.rule)
      held = next
      return next
    }
    return try held.plans.plan(for: walk) {
      try GradientPlan(walk, in: recording, precision: precision, weights: held.weights)
    }
  }
}
