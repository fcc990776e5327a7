#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// What one input, file or request may take: every reader and planner asks before it takes memory.
///
/// The defaults are what a laptop survives. ``current`` is what holds where nothing else is said; a
/// program that serves others binds it for each of them.
public struct Limits: Codable, Sendable, Equatable {
  /// One of the limits.
  public enum Name: String, CaseIterable, Codable, Sendable {
    /// The bytes of a file that is read whole: a picture, a sound, a table, an array.
    case bytes
    /// The bytes of a file of weights or a checkpoint, which is mapped and not read whole.
    case weights
    /// The pixels of a picture, and of what a network is given.
    case pixels
    /// The samples of a sound, a channel.
    case samples
    /// The seconds that a sound lasts.
    case seconds
    /// The labels of a model or of data, and the columns of a table.
    case labels
    /// The bytes of a name in a file: of a label, of a column, of a path.
    case name
    /// The segments of a picture.
    case segments
    /// The elements of a tensor, and the numbers that a table's rows and labels make.
    case elements
    /// The bytes in which a network computes for a request: estimated before it does, and counted
    /// while it does.
    case memory
    /// The seconds that the work on one input may take.
    case time

    /// What is counted, in the plural.
    public var unit: String {
      switch self {
      case .bytes, .weights, .name, .memory: "bytes"
      case .pixels: "pixels"
      case .samples: "samples"
      case .seconds, .time: "seconds"
      case .labels: "labels"
      case .segments: "segments"
      case .elements: "elements"
      }
    }

    /// What the limit is of.
    public var meaning: String {
      switch self {
      case .bytes: "of a file that is read whole: a picture, a sound, a table, an array"
      case .weights: "of a file of weights or a checkpoint, which is mapped"
      case .pixels: "of a picture, and of a network's input"
      case .samples: "of a sound, a channel"
      case .seconds: "that a sound lasts"
      case .labels: "of a model or of data, and the columns of a table"
      case .name: "of a label, of a column's name, of a path in a table"
      case .segments: "of a picture"
      case .elements: "of a tensor; the rows of a table times its labels"
      case .memory: "in which a network computes for a request"
      case .time: "that the work on one input takes"
      }
    }

    /// The limit unless another is set.
    public var standard: Int {
      switch self {
      case .bytes: 1 << 30
      case .weights: 16 << 30
      case .pixels: 100_000_000
      case .samples: 100_000_000
      case .seconds: 14_400
      case .labels: 16_384
      case .name: 4096
      case .segments: 4096
      case .elements: 1 << 28
      case .memory: Self.halfOfTheMachine
      case .time: 21_600
      }
    }

    /// Half of the memory that the machine has, at least 1 GiB.
    private static let halfOfTheMachine: Int = {
      let (whole, overflow) = sysconf(Int32(_SC_PHYS_PAGES))
        .multipliedReportingOverflow(by: sysconf(Int32(_SC_PAGESIZE)))
      return overflow ? 1 << 30 : max(whole / 2, 1 << 30)
    }()
  }

  /// What holds in a task unless a reader is told otherwise.
  @TaskLocal public static var current = Limits()

  /// The evaluations of a model that a method may take; `nil` for as many as it wants.
  public var evaluations: Int?
  private var changed: [Name: Int] = [:]

  /// What no limit goes beyond, so that products of some of them stay whole numbers.
  public static let most = 1 << 48

  /// Makes limits.
  ///
  /// - Parameter values: Those that are not the usual ones.
  public init(_ values: [Name: Int] = [:]) {
    for (name, value) in values { self[name] = value }
  }

  /// A limit, from 1 to ``most``; what is set beyond is taken as the nearest of them.
  public subscript(name: Name) -> Int {
    get { changed[name] ?? name.standard }
    set { changed[name] = newValue == name.standard ? nil : min(max(1, newValue), Self.most) }
  }

  /// Checks a number against a limit.
  ///
  /// - Parameters:
  ///   - count: What there is, or is announced.
  ///   - name: Which limit.
  ///   - subject: What the line that refuses it begins with, such as a path.
  /// - Throws: ``LimitError`` beyond the limit.
  public func check(
    _ count: Int, _ name: Name, of subject: @autoclosure () -> String
  ) throws(LimitError) {
    guard count <= self[name] else {
      throw LimitError(subject: subject(), name: name, count: count, limit: self[name])
    }
  }

  /// Sets a limit as a user writes it.
  ///
  /// - Parameter text: Such as `pixels=200000000` or `memory=8e9`.
  /// - Throws: ``LimitSyntaxError`` for what is no limit.
  public mutating func set(_ text: String) throws(LimitSyntaxError) {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, let name = Name(rawValue: String(parts[0])) else {
      throw LimitSyntaxError(text: text, name: nil)
    }
    let written = String(parts[1])
    let value = Int(written) ?? Double(written).flatMap { Int(exactly: $0) }
    guard let value, value >= 1 else { throw LimitSyntaxError(text: text, name: name) }
    self[name] = value
  }

  // MARK: - Codable

  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(_ text: String) { stringValue = text }
    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { nil }
  }

  /// Reads limits of which all may be left out.
  ///
  /// - Throws: `DecodingError` for one that is no whole number of at least 1.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    func limit(_ key: String) throws -> Int? {
      guard let value = try values.decodeIfPresent(Int.self, forKey: Key(key)) else { return nil }
      guard value >= 1 else {
        throw DecodingError.dataCorruptedError(
          forKey: Key(key), in: values, debugDescription: "the limit \(key) is \(value), below 1")
      }
      return value
    }
    evaluations = try limit("evaluations")
    for name in Name.allCases {
      if let value = try limit(name.rawValue) { self[name] = value }
    }
  }

  /// Writes the limits that differ from the usual ones.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encodeIfPresent(evaluations, forKey: Key("evaluations"))
    for name in Name.allCases {
      try values.encodeIfPresent(changed[name], forKey: Key(name.rawValue))
    }
  }
}
