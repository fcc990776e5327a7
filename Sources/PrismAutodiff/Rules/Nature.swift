/// What an operation is to the rules that walk back through it.
///
/// Rules decide by the nature of an operation, never by its type: a new operation states what it
/// is, and every rule knows what to do with it.
public enum Nature: Sendable {
  /// A function of one number that lets positive numbers pass and holds negative ones back.
  case rectifier
  /// Another function of one number, element by element.
  case elementwise
  /// Linear, or affine, in its first input while the others (weights, moments) are held.
  case linear
  /// Linear, and hands on every number as it is to another place.
  case rearrangement
  /// The product of its two inputs.
  case product
  /// Hands on one of the input's numbers for each of its own, such as the largest.
  case selection
  /// None of these.
  case other
}
