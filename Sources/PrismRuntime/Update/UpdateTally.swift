/// How much of the arithmetic of whole passes has been done.
package struct UpdateTally: Sendable {
  private var done = 0.0
  private var all = 0.0

  /// The part of the operations of whole passes; 1 before the first image.
  package var share: Double { all > 0 ? done / all : 1 }

  /// Adds the parts of an update that were computed, summed over images.
  mutating func add(_ share: Double, of update: Update) { done += share * update.flops }

  /// Adds what followed the update.
  ///
  /// - Parameters:
  ///   - count: The number of images.
  ///   - far: How many of them were computed whole.
  ///   - rest: What the others went on by.
  ///   - whole: The plan of whole passes.
  mutating func add(_ count: Int, far: Int, rest: Plan, whole: Plan) {
    done += Double(count - far) * rest.flops + Double(far) * whole.flops
    all += Double(count) * whole.flops
  }
}
