public import Prism

/// The way from an input to a result that is the same bytes wherever and however often it is made:
/// what engines that spread work over machines rest on.
public struct WorkerPipeline: Sendable {
  /// What is asked for, in the one form of all requests that ask for the same.
  public let request: JSON

  private let pipeline: ExplanationPipeline
  private let model: String
  private let form: String
  private let instructions: String

  /// Makes ready what a request asks for, and says what does not fit before any input is read.
  ///
  /// - Parameters:
  ///   - request: What is asked for; its formats do not matter.
  ///   - model: The model, already open.
  ///   - maps: How maps are sent.
  ///   - hasPictures: Whether a figure of every map is made besides.
  /// - Throws: What `ExplanationPipeline` throws; ``RequestError`` for a comparison;
  ///   `InstructionSetError`.
  public init(
    _ request: ExplanationRequest, model: Model, maps: MapType, hasPictures: Bool
  ) throws {
    guard request.purpose == .explanation else {
      throw RequestError.unreadable("workers explain and do not compare; prism compare does")
    }
    var request = request
    request.formats = hasPictures ? [.png] : []
    self.request = try request.canonical()
    self.model = model.file.sha256
    form = "\(maps.rawValue) \(hasPictures)"
    instructions = try Instructions.current
    pipeline = try ExplanationPipeline(request, model: model)
  }

  /// What the result for an input depends on, as a digest: the input's bytes, the model, what is
  /// asked for and in which form, Prism's version and the instruction set; not the input's name.
  ///
  /// - Parameter input: The input.
  /// - Returns: 64 hexadecimal digits.
  public func key(for input: ReportInput) -> String {
    let lines = [
      "prism result 2", PrismVersion.current, model, input.sha256, request.description, form,
      instructions,
    ]
    return SHA256.hexadecimalDigest(of: Array(lines.joined(separator: "\n").utf8))
  }

  /// Explains an input.
  ///
  /// - Parameters:
  ///   - input: The picture or sound.
  ///   - work: Is told of every batch, and ends the work where its task is cancelled.
  /// - Returns: The result.
  /// - Throws: As ``ExplanationPipeline/callAsFunction(_:named:work:stage:keep:)``.
  public func callAsFunction(
    _ input: ReportInput, work: Work = .unwatched
  ) throws -> WorkerResult {
    let results = try pipeline(input, named: FileStem.ofResults(for: input.name), work: work)
    let key = key(for: input)
    let pictures = Set(results.document["files"]?.elements.compactMap(\.string) ?? [])
    return WorkerResult(
      key: key, digest: input.sha256, document: Self.lasting(results.document, key: key),
      maps: results.maps, pictures: results.files.filter { pictures.contains($0.name) },
      evaluations: results.maps.reduce(0) { $0 + $1.evaluations })
  }

  /// A document without what differs from one time to the next.
  private static func lasting(_ document: JSON, key: String) -> JSON {
    guard case .object(let members) = document else { return document }
    return .object(
      members.map { member in
        switch member.name {
        case "key": .init(name: member.name, value: .string(key))
        case "explanations":
          .init(name: member.name, value: .array(member.value.elements.map(timeless)))
        default: member
        }
      })
  }

  /// An explanation without the time that it took.
  private static func timeless(_ explanation: JSON) -> JSON {
    guard case .object(let members) = explanation else { return explanation }
    return .object(members.filter { $0.name != "seconds" })
  }
}

/// What a request makes of an input, the same bytes each time.
public struct WorkerResult: Sendable {
  /// What the result depends on, as a digest.
  public let key: String
  /// The digest of the input's bytes.
  public let digest: String
  /// The document, as of `prism explain` but without times.
  public let document: JSON
  /// The maps, one for every explanation of the document.
  public let maps: [InputResults.Map]
  /// The figures that were asked for, as PNG.
  public let pictures: [OutputFolder.File]
  /// How often the model was evaluated.
  public let evaluations: Int
}
