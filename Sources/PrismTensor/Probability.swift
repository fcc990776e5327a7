// Probabilities from logits, in Double: the one definition that predictions, explanations and
// training share.

/// The share of every logit in the sum of all exponentials; the largest logit is taken off first.
///
/// - Parameter logits: Any numbers.
/// - Returns: One number from 0 to 1 a logit; their sum is 1.
package func softmax(_ logits: some Sequence<Double>) -> [Double] {
  let logits = Array(logits)
  let largest = logits.max() ?? 0
  let exponentials = logits.map { exponential($0 - largest) }
  let sum = exponentials.reduce(0, +)
  return exponentials.map { $0 / sum }
}

/// The logistic function `1 / (1 + e⁻ˣ)`.
package func sigmoid(_ x: Double) -> Double { 1 / (1 + exponential(-x)) }
