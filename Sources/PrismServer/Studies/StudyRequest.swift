internal import Prism
internal import PrismReport

/// What a client asks about a model and data: which examples are near, whether a label hangs on a
/// concept, or which concepts there are.
struct StudyRequest: Sendable {
  /// What files are for.
  enum Role: String, Sendable, CaseIterable {
    /// What is looked at.
    case inputs
    /// What is searched for examples.
    case data
    /// What shows a concept.
    case positive
    /// What does not.
    case random
  }

  /// Where files come from.
  enum Source: Sendable, Equatable {
    /// A part of the server's data.
    case data(Slice)
    /// The input of an analysis.
    case analysis(String)
    /// Files that came with the request.
    case uploads
  }

  /// A part of a data set.
  struct Slice: Sendable, Equatable {
    let name: String
    let split, label: String?
    /// The most files, evenly spread among all.
    let limit: Int
  }

  /// The question.
  enum Question: Sendable, Equatable {
    /// What is near to the inputs, and what stands for each label.
    case examples(layer: String?, distance: ExampleSpace.Distance, count: Int, prototypes: Int)
    /// Whether labels depend on a concept.
    case concept(ConceptRequest, name: String)
    /// Which concepts a layer sees.
    case discovery(DiscoveryRequest)
  }

  /// `examples`, `concept` or `discovery`.
  let kind: String
  /// The model's name.
  let model: String
  let question: Question
  /// Where the files of each role come from.
  let sources: [Role: Source]
  /// The request as the client has put it.
  let json: JSON
}
