/// What a method needs, what it costs and where it is defined.
public struct MethodFacts: Sendable, Equatable, Codable {
  /// Something without which a method cannot run.
  public enum Need: String, Sendable, CaseIterable, Codable {
    /// A model that can be differentiated.
    case gradients
    /// A layer with rows and columns.
    case layer
    /// What stands for the absence of a feature.
    case baseline
    /// A division of the image into segments.
    case segments
  }

  /// What the method cannot do without.
  public let needs: [Need]
  /// The evaluations of the model that an explanation takes, in words.
  public let cost: String
  /// Where the method is defined.
  public let paper: String

  /// Makes the facts of a method.
  public init(needs: [Need], cost: String, paper: String) {
    self.needs = needs
    self.cost = cost
    self.paper = paper
  }
}
