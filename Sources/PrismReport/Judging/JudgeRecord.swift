internal import Prism

/// What a method's maps of one picture are worth.
struct JudgeRecord: Sendable {
  /// The map of one label.
  struct Map: Sendable {
    /// The label's index.
    let label: Int
    /// The probability that the model gives it, in the window of a sound.
    let probability: Double
    /// Whether the model finds it.
    let isFound: Bool
    /// Whether it is found though its logit, which is explained, is negative.
    var isBelowZero = false
    /// What was measured.
    let values: [MapMeasure: Double]
    /// Why the region that is right is not known, where masks were given; empty where there is no
    /// mask, or where none of a sound's right parts is in the window.
    let problem: String?
    /// The map as people see it; not kept in memory for all pictures.
    var small: SmallMap?
  }

  /// The path of the picture.
  let picture: String
  /// A digest of the picture and its masks.
  let digest: String
  /// The method's name.
  let method: String
  /// The method's name and all of its parameters.
  let settings: String
  /// The labels that were asked for; of those that the model does not find there may be no map.
  let labels: [Int]
  /// One map a label.
  var maps: [Map]

  /// The record as a line of a journal.
  var json: JSON {
    [
      "picture": .string(picture),
      "digest": .string(digest),
      "method": .string(method),
      "settings": .string(settings),
      "labels": .array(labels.map(JSON.integer)),
      "maps": .array(maps.map(\.json)),
    ]
  }

  init(
    picture: String, digest: String, method: String, settings: String, labels: [Int], maps: [Map]
  ) {
    self.picture = picture
    self.digest = digest
    self.method = method
    self.settings = settings
    self.labels = labels
    self.maps = maps
  }

  /// Reads a record; `nil` where something is missing or makes no sense.
  init?(_ json: JSON) {
    guard let picture = json["picture"]?.string, let digest = json["digest"]?.string,
      let method = json["method"]?.string, let settings = json["settings"]?.string,
      case .array(let numbers)? = json["labels"], case .array(let elements)? = json["maps"]
    else { return nil }
    let labels = numbers.compactMap { number in
      if case .integer(let label) = number { label } else { nil }
    }
    let maps = elements.compactMap(Map.init)
    guard maps.count == elements.count, labels.count == numbers.count,
      maps.allSatisfy({ labels.contains($0.label) })
    else { return nil }
    self.init(
      picture: picture, digest: digest, method: method, settings: settings, labels: labels,
      maps: maps)
  }
}

extension JudgeRecord.Map {
  fileprivate var json: JSON {
    let measured = MapMeasure.allCases.compactMap { measure in
      values[measure].map { JSON.Member(name: measure.rawValue, value: .number($0)) }
    }
    return [
      "label": .integer(label),
      "probability": .number(probability),
      "found": .bool(isFound),
      "belowZero": .bool(isBelowZero),
      "values": .object(measured),
      "problem": problem.map(JSON.string) ?? .null,
      "rows": small.map { .integer($0.rows) } ?? .null,
      "columns": small.map { .integer($0.columns) } ?? .null,
      "map": small.map { .string(Base64.encode($0.bytes)) } ?? .null,
    ]
  }

  fileprivate init?(_ json: JSON) {
    guard case .integer(let label)? = json["label"], label >= 0,
      let probability = json["probability"]?.double, case .bool(let isFound)? = json["found"],
      case .object(let members)? = json["values"]
    else { return nil }
    var values: [MapMeasure: Double] = [:]
    for member in members {
      guard let measure = MapMeasure(rawValue: member.name), let value = member.value.double else {
        return nil
      }
      values[measure] = value
    }
    var small: SmallMap?
    if case .integer(let rows)? = json["rows"], case .integer(let columns)? = json["columns"],
      let bytes = json["map"]?.string.flatMap(Base64.decode)
    {
      small = SmallMap(rows: rows, columns: columns, bytes: bytes)
    }
    // Journals that were begun before this was told have none.
    let isBelowZero = json["belowZero"] == .bool(true)
    self.init(
      label: label, probability: probability, isFound: isFound, isBelowZero: isBelowZero,
      values: values, problem: json["problem"]?.string, small: small)
  }
}
