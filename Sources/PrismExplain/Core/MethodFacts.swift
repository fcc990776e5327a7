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

  /// What the numbers of a method's maps are in.
  public enum Unit: String, Sendable, CaseIterable, Codable {
    /// In what is explained: they are parts of the logit or the probability, or differences of it.
    case explained
    /// In no unit: only their order, and how large they are beside each other, means something.
    case unitless
  }

  /// What the method cannot do without.
  public let needs: [Need]
  /// What the numbers of the maps are in.
  public let unit: Unit
  /// The evaluations of the model that an explanation takes, in words.
  public let cost: String
  /// Where the method is defined.
  public let paper: String

  /// Makes the facts of a method.
  public init(needs: [Need], unit: Unit = .unitless, cost: String, paper: String) {
    self.needs = needs
    self.unit = unit
    self.cost = cost
    self.paper = paper
  }
}
