internal import PrismRuntime
internal import PrismTensor

/// An integral of gradients along a straight way, refined where the output bends.
///
/// The outputs at the ends of a piece of the way say what its gradients must add up to. Networks of
/// rectifiers and maximum pools are straight between bends: a piece with one bend is integrated
/// exactly by the gradients at its two ends, each weighted by the length on its side of the bend,
/// and the outputs say where that is. What no place of one bend explains is the piece's defect.
/// Whether there is but one bend shows when the piece is halved: the output in its middle was
/// foretold. The pieces with the largest defects, whose outputs were foretold worst, are halved
/// first.
struct BendingPath {
  /// What a look at a point of the way finds.
  struct Look {
    let position: Double
    /// The output.
    let output: Double
    /// The product of way and gradient, added up over the channels: `[H · W]`.
    let map: [Float]
    /// The sum of the map: how fast the output changes along the way.
    let slope: Double
    /// How far the output is from that which was foretold; `nil` for the first looks.
    var surprise: Double?
    /// How many looks there were before; 0 for the first ones.
    var age = 0

    /// Makes a look that nobody has foretold.
    init(position: Double, output: Double, map: [Float], slope: Double) {
      self.position = position
      self.output = output
      self.map = map
      self.slope = slope
    }
  }

  /// A piece between two looks.
  private struct Piece {
    /// The part of the piece that counts with the first look's gradient.
    let share: Double
    /// What the outputs differ by beyond what the weighted gradients add up to.
    let defect: Double
    /// How much of the output's change it may get wrong: its defect, and how far the newer of its
    /// looks was from what was foretold; where nothing was, what a bend can make of its middle.
    let uncertainty: Double
    /// The output in its middle, if it has but one bend.
    let middle: Double

    init(from a: Look, to b: Look) {
      let length = b.position - a.position
      let rise = b.output - a.output
      let (first, last) = (a.slope, b.slope)
      let bend = (first - last) * length
      let share = bend == 0 ? 0.5 : min(max((rise - last * length) / bend, 0), 1)
      self.share = share
      defect = rise - length * (share * first + (1 - share) * last)
      // The newer look is that which stands in the middle of a halved piece.
      let isNewer = (b.age, b.position) > (a.age, a.position)
      let surprise = (isNewer ? b : a).surprise
      uncertainty = abs(defect) + (surprise ?? abs(bend) / 4)
      let straight = a.output + min(share, 0.5) * length * first
      middle = straight + max(0.5 - share, 0) * length * last + defect / 2
    }
  }

  /// The equal pieces that are looked at first.
  static let firstPieces = 16
  /// The largest part of the explained difference to which uncertainties add up.
  static let mostUncertainty = 0.05

  /// The smallest uncertainty of a piece that is halved, relative to the largest.
  static let leastUncertainty = 0.1

  private(set) var looks: [Look]

  /// Divides the way into equal pieces.
  ///
  /// - Parameter look: Looks at points.
  /// - Throws: What `look` throws.
  init(look: ([Double]) throws -> [Look]) throws {
    looks = try look(
      (0...Self.firstPieces).map { Double($0) / Double(Self.firstPieces) })
  }

  private var pieces: [Piece] { zip(looks, looks.dropFirst()).map(Piece.init) }

  /// Halves pieces until the integral is complete, or looks are spent.
  ///
  /// - Parameters:
  ///   - tolerance: The largest gap, relative to the explained difference.
  ///   - limit: The most looks.
  ///   - look: Looks at points.
  /// - Throws: What `look` throws.
  mutating func refine(
    tolerance: Double, limit: Int, look: ([Double]) throws -> [Look]
  ) throws {
    while looks.count < limit {
      let (pieces, difference) = (pieces, abs(difference))
      let uncertainties = pieces.map(\.uncertainty)
      let gap = abs(pieces.reduce(0) { $0 + $1.defect })
      if gap <= tolerance * difference
        && uncertainties.reduce(0, +) <= Self.mostUncertainty * difference
      {
        return
      }
      // The largest first, among equals that at the beginning of the way; none that does not matter.
      let least = Self.leastUncertainty * (uncertainties.max() ?? 0)
      let order = uncertainties.indices.filter { uncertainties[$0] >= least }.sorted {
        (-uncertainties[$0], $0) < (-uncertainties[$1], $1)
      }
      let chosen = order.prefix(min(InputGradient.group, limit - looks.count)).sorted()
      let found = try look(
        chosen.map { (looks[$0].position + looks[$0 + 1].position) / 2 })
      for (index, new) in zip(chosen, found).reversed() {
        var new = new
        new.surprise = abs(new.output - pieces[index].middle)
        new.age = looks.count
        looks.insert(new, at: index + 1)
      }
    }
  }

  /// What the output changes by along the whole way.
  var difference: Double { (looks.last?.output ?? 0) - (looks.first?.output ?? 0) }

  /// The part of the explained difference that the uncertainties of all pieces add up to.
  var wildness: Double { pieces.reduce(0) { $0 + $1.uncertainty } / abs(difference) }

  /// The integral, in row-major order.
  var map: [Double] {
    var map = [Double](repeating: 0, count: looks.first?.map.count ?? 0)
    let pieces = pieces
    for (index, look) in looks.enumerated() {
      var weight = 0.0
      if index > 0 {
        weight += (1 - pieces[index - 1].share) * (look.position - looks[index - 1].position)
      }
      if index < pieces.count {
        weight += pieces[index].share * (looks[index + 1].position - look.position)
      }
      for (i, value) in look.map.enumerated() { map[i] += weight * Double(value) }
    }
    return map
  }
}
