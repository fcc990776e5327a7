internal import PrismAutodiff
internal import PrismCard
internal import PrismFiles

/// What is wrong with an attribute of a node, in words.
struct AttributeError: Error {
  let reason: String
}

/// The attributes of a node while a primitive is made of them; every one must be asked for.
struct NodeAttributes {
  /// The largest number that is believed of a size, a stride or an axis.
  static let largest = ModelCard.sizeRange.upperBound

  private var rest: [String: JSON] = [:]

  init(_ members: [JSON.Member]) {
    for member in members { rest[member.name] = member.value }
  }

  /// Throws where there is an attribute that nobody asked for.
  func finish() throws(AttributeError) {
    guard let name = rest.keys.min() else { return }
    throw AttributeError(reason: "has an attribute \(Text.quoted(name)), which is not known")
  }

  private mutating func take(_ name: String) -> JSON? {
    let value = rest.removeValue(forKey: name)
    return value == .null ? nil : value
  }

  private static func failure(_ name: String, _ value: JSON?, _ expected: String) -> AttributeError
  {
    AttributeError(
      reason: value == nil ? "lacks the attribute \(name)" : "needs \(expected) as \(name)")
  }

  private static func integer(_ value: JSON?) -> Int? {
    switch value {
    case .integer(let number): number
    case .number(let number): Int(exactly: number)
    default: nil
    }
  }

  private static func number(_ value: JSON?) -> Float? {
    let number: Double? =
      switch value {
      case .integer(let number): Double(number)
      case .number(let number): number
      default: nil
      }
    return number.map { Float($0) }.flatMap { $0.isFinite ? $0 : nil }
  }

  /// A whole number.
  mutating func integer(
    _ name: String, default standard: Int? = nil, in range: ClosedRange<Int>? = nil
  ) throws(AttributeError) -> Int {
    let range = range ?? 0...Self.largest
    let value = take(name)
    if value == nil, let standard { return standard }
    guard let number = Self.integer(value), range.contains(number) else {
      throw Self.failure(
        name, value, "a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// A list of whole numbers.
  mutating func integers(
    _ name: String, count: Int? = nil, default standard: [Int]? = nil,
    in range: ClosedRange<Int>? = nil
  ) throws(AttributeError) -> [Int] {
    let range = range ?? 0...Self.largest
    let value = take(name)
    if value == nil, let standard { return standard }
    let expected =
      "\(count.map { "\($0) " } ?? "")whole numbers from \(range.lowerBound) to \(range.upperBound)"
    guard case .array(let elements) = value, elements.count <= 16 else {
      throw Self.failure(name, value, expected)
    }
    let numbers = elements.compactMap(Self.integer)
    guard numbers.count == elements.count, count.map({ $0 == numbers.count }) ?? true,
      numbers.allSatisfy(range.contains)
    else { throw Self.failure(name, value, expected) }
    return numbers
  }

  /// A finite number.
  mutating func number(
    _ name: String, default standard: Float? = nil
  ) throws(AttributeError) -> Float {
    let value = take(name)
    if value == nil, let standard { return standard }
    guard let number = Self.number(value) else { throw Self.failure(name, value, "a number") }
    return number
  }

  /// A small positive number that keeps a root from zero.
  mutating func epsilon() throws(AttributeError) -> Float {
    let value = try number("epsilon")
    guard value > 0, value < 1 else {
      throw AttributeError(reason: "needs a number between 0 and 1 as epsilon")
    }
    return value
  }

  /// Yes or no.
  mutating func flag(_ name: String) throws(AttributeError) -> Bool {
    switch take(name) {
    case nil: return false
    case .bool(let value): return value
    default: throw AttributeError(reason: "needs true or false as \(name)")
    }
  }

  /// A word.
  mutating func text(_ name: String) throws(AttributeError) -> String {
    let value = take(name)
    guard case .string(let text) = value else { throw Self.failure(name, value, "a text") }
    return text
  }

  /// One of some words.
  mutating func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ name: String, default standard: Choice? = nil
  ) throws(AttributeError) -> Choice {
    let value = take(name)
    if value == nil, let standard { return standard }
    guard case .string(let text) = value, let choice = Choice(rawValue: text) else {
      throw Self.failure(
        name, value, "one of " + Choice.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return choice
  }

  /// A sliding window.
  mutating func window() throws(AttributeError) -> SlidingWindow {
    let sizes = 1...Self.largest
    let kernel = try integers("kernel", count: 2, in: sizes)
    let stride = try integers("stride", count: 2, default: [1, 1], in: sizes)
    let padding = try integers("padding", count: 4, default: [0, 0, 0, 0])
    let dilation = try integers("dilation", count: 2, default: [1, 1], in: sizes)
    return SlidingWindow(
      vertical: .init(
        kernel: kernel[0], stride: stride[0], before: padding[0], after: padding[2],
        dilation: dilation[0]),
      horizontal: .init(
        kernel: kernel[1], stride: stride[1], before: padding[1], after: padding[3],
        dilation: dilation[1]))
  }
}

// MARK: - Writing

extension [JSON.Member] {
  /// A member with a whole number.
  static func integer(_ name: String, _ value: Int) -> Self {
    [.init(name: name, value: .integer(value))]
  }

  /// A member with a list of whole numbers.
  static func integers(_ name: String, _ values: [Int]) -> Self {
    [.init(name: name, value: .array(values.map(JSON.integer)))]
  }

  /// A member with a number, in the fewest digits that give it back; none for an infinite one.
  static func number(_ name: String, _ value: Float) -> Self {
    guard value.isFinite else { return [] }
    return [.init(name: name, value: .number(Double("\(value)") ?? Double(value)))]
  }

  /// A member with a word.
  static func text(_ name: String, _ value: String) -> Self {
    [.init(name: name, value: .string(value))]
  }

  /// A member with true; none for false.
  static func flag(_ name: String, _ value: Bool) -> Self {
    value ? [.init(name: name, value: .bool(true))] : []
  }

  /// The members of a sliding window, but those that are as usual.
  static func window(_ window: SlidingWindow) -> Self {
    let (v, h) = (window.vertical, window.horizontal)
    let padding = [v.before, h.before, v.after, h.after]
    return .integers("kernel", [v.kernel, h.kernel])
      + (v.stride == 1 && h.stride == 1 ? [] : .integers("stride", [v.stride, h.stride]))
      + (padding == [0, 0, 0, 0] ? [] : .integers("padding", padding))
      + (v.dilation == 1 && h.dilation == 1 ? [] : .integers("dilation", [v.dilation, h.dilation]))
  }
}
