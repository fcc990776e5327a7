internal import Synchronization

/// The plans of one recording by what they compute, each made once.
///
/// Whoever asks first makes a plan; whoever asks for the same meanwhile waits for it, and others
/// are not kept waiting.
final class PlanStore<Key: Hashable & Sendable, Made: Sendable>: Sendable {
  // The place of one plan; its lock is held while the plan is made.
  private final class Slot: Sendable {
    private let plan = Mutex<Made?>(nil)

    func plan(making make: () throws -> Made) throws -> Made {
      try plan.withLock { plan in
        if let plan { return plan }
        let made = try make()
        plan = made
        return made
      }
    }
  }

  private let slots = Mutex<[Key: Slot]>([:])

  /// The plan that computes something.
  ///
  /// - Parameters:
  ///   - wanted: What it computes.
  ///   - make: Makes the plan where there is none yet; after an error the next to ask tries again.
  /// - Returns: The same plan for the same.
  /// - Throws: What `make` throws.
  func plan(for wanted: Key, making make: () throws -> Made) throws -> Made {
    let slot = slots.withLock { slots in
      if let slot = slots[wanted] { return slot }
      let slot = Slot()
      slots[wanted] = slot
      return slot
    }
    return try slot.plan(making: make)
  }
}
