internal import HTTPTypes
internal import Prism
internal import PrismReport

/// Reads what clients ask about models and data; nothing in it may name a file of the server.
struct StudyReader {
  private let configuration: ServerConfiguration

  init(_ configuration: ServerConfiguration) { self.configuration = configuration }

  /// The members of each kind of question, besides `kind` and `model`.
  private static let members: [String: Set<String>] = [
    "examples": ["data", "inputs", "layer", "distance", "count", "prototypes"],
    "concept": [
      "positive", "random", "inputs", "layers", "targets", "vector", "runs", "penalty", "seed",
      "name",
    ],
    "discovery": ["inputs", "layer", "targets", "concepts", "seed"],
  ]

  private static func refuse(_ text: String) -> Problem { Problem(.unprocessableContent, text) }

  /// Reads a request.
  ///
  /// - Parameters:
  ///   - json: An object with `kind`, `model` and what belongs to the kind.
  ///   - uploaded: The roles for which files came along.
  /// - Returns: The request.
  /// - Throws: ``Problem``.
  func request(_ json: JSON, uploaded: Set<StudyRequest.Role>) throws -> StudyRequest {
    let members = try json.members(of: "the request").filter { $0.value != .null }
    let json = JSON.object(members)
    let (kind, model) = (try json.text("kind"), try json.text("model"))
    guard let known = Self.members[kind] else {
      throw Self.refuse("kind is not examples, concept or discovery")
    }
    for member in members where !known.union(["kind", "model"]).contains(member.name) {
      throw Self.refuse(
        "a request of the kind \(kind) has no member \(Text.quoted(member.name)); it has "
          + known.sorted().joined(separator: ", "))
    }
    let roles = StudyRequest.Role.allCases.filter { known.contains($0.rawValue) }
    for role in uploaded where !roles.contains(role) || role == .data {
      throw Self.refuse("a request of the kind \(kind) takes no files as \(role.rawValue)")
    }
    var sources: [StudyRequest.Role: StudyRequest.Source] = [:]
    for role in roles { sources[role] = try source(role, json, uploaded) }
    let question = try question(kind, json)
    try check(question, sources)
    return StudyRequest(
      kind: kind, model: model, question: question, sources: sources, json: json)
  }

  private func question(_ kind: String, _ json: JSON) throws -> StudyRequest.Question {
    switch kind {
    case "examples":
      let distance = try text("distance", json) ?? ExampleSpace.Distance.cosine.rawValue
      guard let distance = ExampleSpace.Distance(rawValue: distance) else {
        throw Self.refuse("distance is not cosine or euclidean")
      }
      return .examples(
        layer: try text("layer", json), distance: distance,
        count: try integer("count", json, 1...100) ?? 5,
        prototypes: try integer("prototypes", json, 0...20) ?? 3)
    case "concept":
      var request = ConceptRequest()
      request.layers = try text("layers", json)?.split(separator: ",").map(String.init) ?? []
      guard request.layers.count <= 8 else { throw Self.refuse("layers are more than 8") }
      request.targets = try text("targets", json)
      guard let vector = LayerVector(rawValue: try text("vector", json) ?? "flat") else {
        throw Self.refuse("vector is not flat or pooled")
      }
      request.vector = vector
      request.runs = try integer("runs", json, 2...100) ?? request.runs
      if let penalty = json["penalty"] {
        guard let number = penalty.double, number > 0, number <= 1e6 else {
          throw Self.refuse("penalty is no number above 0")
        }
        request.penalty = number
      }
      request.seed = try seed(json)
      return .concept(request, name: try text("name", json) ?? "concept")
    default:
      var request = DiscoveryRequest(count: try integer("concepts", json, 1...32) ?? 8)
      request.layer = try text("layer", json)
      request.targets = try text("targets", json)
      request.seed = try seed(json)
      return .discovery(request)
    }
  }

  // MARK: - Members

  private func text(_ name: String, _ json: JSON) throws -> String? {
    guard let value = json[name] else { return nil }
    guard let text = value.string, (1...1000).contains(text.utf8.count), Text.hasFewMarks(text)
    else { throw Self.refuse("\(name) is no text of 1 to 1000 bytes") }
    return text
  }

  private func integer(_ name: String, _ json: JSON, _ range: ClosedRange<Int>) throws -> Int? {
    guard let value = json[name] else { return nil }
    guard let number = value.double.flatMap({ Int(exactly: $0) }), range.contains(number) else {
      throw Self.refuse(
        "\(name) is no whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  private func seed(_ json: JSON) throws -> UInt64 {
    UInt64(try integer("seed", json, 0...(1 << 53)) ?? 0)
  }

  private func source(
    _ role: StudyRequest.Role, _ json: JSON, _ uploaded: Set<StudyRequest.Role>
  ) throws -> StudyRequest.Source? {
    guard let value = json[role.rawValue] else { return uploaded.contains(role) ? .uploads : nil }
    guard !uploaded.contains(role) else {
      throw Self.refuse("\(role.rawValue) is asked for and came along; give one of them")
    }
    let members = try value.members(of: role.rawValue).filter { $0.value != .null }
    let source = JSON.object(members)
    for member in members
    where !["dataset", "split", "label", "limit", "analysis"].contains(member.name) {
      throw Self.refuse(
        "\(role.rawValue) has a member \(Text.quoted(member.name)) that is not known")
    }
    if let analysis = try text("analysis", source) {
      guard members.count == 1, role == .inputs else {
        throw Self.refuse("an analysis is all that inputs can have, and nothing else has one")
      }
      return .analysis(analysis)
    }
    let most = role == .data ? configuration.mostExamples : configuration.mostStudied
    let usual = role == .data ? most : min(Self.usualFiles, most)
    return .data(
      .init(
        name: try source.text("dataset"), split: try text("split", source),
        label: try text("label", source), limit: try integer("limit", source, 1...most) ?? usual))
  }

  /// How many files of data are looked at where nobody says.
  private static let usualFiles = 60

  private func check(
    _ question: StudyRequest.Question, _ sources: [StudyRequest.Role: StudyRequest.Source]
  ) throws {
    func need(_ role: StudyRequest.Role) throws {
      guard sources[role] == nil else { return }
      throw Self.refuse(
        "\(role.rawValue) is missing: name data"
          + (role == .data ? "" : ", or send files as parts"))
    }
    switch question {
    case .examples(_, _, _, let prototypes):
      try need(.data)
      guard sources[.inputs] != nil || prototypes > 0 else {
        throw Self.refuse("name inputs, or ask for prototypes")
      }
    case .concept:
      for role in [.positive, .random, .inputs] as [StudyRequest.Role] { try need(role) }
    case .discovery: try need(.inputs)
    }
  }
}
