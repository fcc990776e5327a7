internal import PrismAutodiff
internal import PrismTensor

/// Which part of every value of a recording a change in a part of its input can alter, to the last
/// bit.
struct Spread: Sendable {
  private struct Node: Sendable {
    let index: Int
    let reach: Reach
    let shape: Shape
    /// The operands that an input can alter, with their places in the primitive's inputs.
    let operands: [(index: Int, position: Int, shape: Shape)]
    /// The operands that are computed from parameters alone.
    let constants: [(index: Int, shape: Shape)]
    /// Whether every change alters all of it.
    let isWhole: Bool
    /// The tiles in which it is computed.
    let grid: TileGrid?
    /// Whether a step stores it; what lies within a step is computed where it is needed.
    let isStored: Bool
  }

  private let input: Int
  private let inputShape: Shape
  private let count: Int
  private let nodes: [Node]

  /// Follows the operations of a recording with one input.
  ///
  /// - Parameters:
  ///   - recording: The operations.
  ///   - drafts: The steps that compute it.
  init(_ recording: Recording, _ drafts: [Draft]) {
    let grids = Self.grids(drafts)
    let stored = Set(drafts.map(\.output))
    input = recording.inputs[0].index
    inputShape = recording[recording.inputs[0]].shape
    count = recording.ids.count
    var nodes: [Node] = []
    // Whether every change of the input alters all of a value; `nil` for values that none alters.
    var isWhole = [Bool?](repeating: nil, count: count)
    isWhole[input] = false
    for id in recording.ids {
      guard let primitive = recording.primitive(of: id) else { continue }
      let operands = recording.operands(of: id).enumerated().compactMap { position, operand in
        isWhole[operand.index] == nil
          ? nil : (index: operand.index, position: position, shape: recording[operand].shape)
      }
      guard !operands.isEmpty else { continue }
      let constants = recording.operands(of: id).compactMap { operand in
        isWhole[operand.index] == nil && recording.primitive(of: operand) != nil
          ? (index: operand.index, shape: recording[operand].shape) : nil
      }
      let shape = recording[id].shape
      let node = Node(
        index: id.index, reach: primitive.reach, shape: shape, operands: operands,
        constants: constants,
        isWhole: operands.contains {
          isWhole[$0.index] == true || primitive.reach == .everywhere || shape.rank != 4
            || !Self.isLocal($0.shape, under: shape, primitive.reach, position: $0.position)
        }, grid: grids[id], isStored: stored.contains(id))
      isWhole[id.index] = node.isWhole
      nodes.append(node)
    }
    self.nodes = nodes
  }

  /// The tiles of the convolutions that are computed in tiles.
  private static func grids(_ drafts: [Draft]) -> [ValueID: TileGrid] {
    Dictionary(
      drafts.compactMap { draft in
        guard let kind = draft.kind as? any TiledStepKind, let source = draft.weights?.source else {
          return nil
        }
        return (source.convolution, TileGrid(kind))
      }, uniquingKeysWith: { first, _ in first })
  }

  /// Whether a part of an operand alters only a part of the output.
  private static func isLocal(
    _ operand: Shape, under output: Shape, _ reach: Reach, position: Int
  ) -> Bool {
    guard operand.rank == 4 else { return false }
    switch reach {
    case .everywhere: return false
    case .window: return position == 0
    case .pointwise: return operand[1] == output[1] && operand[2] == output[2]
    }
  }

  /// The whole of a value: all rows and columns of a map, one pixel of what is none.
  static func whole(_ shape: Shape) -> Rectangle {
    shape.rank == 4
      ? Rectangle(rows: 0..<shape[1], columns: 0..<shape[2])
      : Rectangle(rows: 0..<1, columns: 0..<1)
  }

  /// What no change alters: nothing of every value.
  var unaltered: [Rectangle?] { [Rectangle?](repeating: nil, count: count) }

  /// What a change alters.
  ///
  /// - Parameter rectangle: The changed rows and columns of the input; not empty.
  /// - Returns: One entry a value of the recording; `nil` where nothing of it can change.
  func altered(by rectangle: Rectangle) -> [Rectangle?] {
    var altered = [Rectangle?](repeating: nil, count: count)
    altered[input] = rectangle
    for node in nodes {
      if node.isWhole {
        altered[node.index] = Self.whole(node.shape)
        continue
      }
      var union: Rectangle?
      for operand in node.operands {
        guard let part = altered[operand.index] else { continue }
        let reached =
          node.grid?.altered(by: part, in: node.shape)
          ?? node.reach.altered(by: part, of: operand.shape, in: node.shape)
        guard !reached.rows.isEmpty, !reached.columns.isEmpty else { continue }
        union = union.map { $0.union(reached) } ?? reached
      }
      altered[node.index] = union
    }
    return altered
  }
}

extension Spread {
  /// What must be known of every value so that the altered parts of those after it can be computed.
  ///
  /// - Parameters:
  ///   - altered: What a change alters.
  ///   - end: The last value.
  ///   - shape: Its shape where all of it is wanted.
  /// - Returns: One entry a value of the recording; `nil` where nothing of it is read.
  func needed(for altered: [Rectangle?], end: Int, shape: Shape?) -> [Rectangle?] {
    var needed = [Rectangle?](repeating: nil, count: count)
    needed[end] = shape.map(Self.whole)
    for node in nodes.reversed() where node.index <= end {
      var computed = altered[node.index]
      if !node.isStored, let part = needed[node.index] {
        computed = computed?.union(part) ?? part
      }
      guard var computed else { continue }
      if let grid = node.grid { computed = grid.tiles(over: computed, in: Self.whole(node.shape)) }
      for constant in node.constants { needed[constant.index] = Self.whole(constant.shape) }
      for operand in node.operands {
        let part = Self.needed(for: computed, operand.shape, operand.position, node)
        needed[operand.index] = needed[operand.index]?.union(part) ?? part
      }
    }
    return needed
  }

  /// The values of which more is read than a change alters, wherever the change is.
  ///
  /// Rows and columns spread by themselves, and the first and the last row of what is altered each by
  /// itself, in the same way from one multiple of all strides and tiles to the next. So changes of single
  /// pixels on the diagonal tell it of all changes.
  ///
  /// - Parameters:
  ///   - end: The last value, all of which is wanted.
  ///   - shape: Its shape.
  /// - Returns: The values' indices.
  func readAround(end: Int, shape: Shape) -> Set<Int> {
    guard let size = inputShape.rank == 4 ? min(inputShape[1], inputShape[2]) : nil else {
      return Set(0..<count)
    }
    var result: Set<Int> = [end]
    let (first, last) = (0..<min(size, Self.period), max(0, size - Self.period)..<size)
    for position in first.lowerBound..<last.upperBound
    where first.contains(position) || last.contains(position) {
      let pixel = position..<position + 1
      let altered = altered(by: Rectangle(rows: pixel, columns: pixel))
      for (index, part) in needed(for: altered, end: end, shape: shape).enumerated()
      where !result.contains(index) {
        if let part, !part.without(altered[index]).isEmpty { result.insert(index) }
      }
    }
    return result
  }

  /// As many pixels of the input as tiles of four pixels are on a map of one thirty-second its size.
  private static let period = 128

  /// The part of an operand from which a part of an output is computed.
  private static func needed(
    for part: Rectangle, _ operand: Shape, _ position: Int, _ node: Node
  ) -> Rectangle {
    guard operand.rank == 4, node.shape.rank == 4 else { return whole(operand) }
    switch node.reach {
    case .everywhere: return whole(operand)
    case .window:
      return position == 0
        ? node.reach.needed(for: part, height: operand[1], width: operand[2]) : whole(operand)
    case .pointwise:
      return Rectangle(
        rows: operand[1] == node.shape[1] ? part.rows : 0..<operand[1],
        columns: operand[2] == node.shape[2] ? part.columns : 0..<operand[2])
    }
  }
}

extension Rectangle {
  /// The number of pixels.
  var area: Int { rows.count * columns.count }

  /// Whether another rectangle lies in this one.
  func holds(_ other: Rectangle) -> Bool {
    rows.lowerBound <= other.rows.lowerBound && other.rows.upperBound <= rows.upperBound
      && columns.lowerBound <= other.columns.lowerBound
      && other.columns.upperBound <= columns.upperBound
  }

  /// What two rectangles have in common; `nil` for nothing.
  func intersection(_ other: Rectangle) -> Rectangle? {
    let common = Rectangle(
      rows: rows.clamped(to: other.rows), columns: columns.clamped(to: other.columns))
    return common.area > 0 ? common : nil
  }

  /// The rectangle without another one: at most four rectangles.
  func without(_ other: Rectangle?) -> [Rectangle] {
    guard let hole = other.flatMap(intersection) else { return [self] }
    return [
      Rectangle(rows: rows.lowerBound..<hole.rows.lowerBound, columns: columns),
      Rectangle(rows: hole.rows.upperBound..<rows.upperBound, columns: columns),
      Rectangle(rows: hole.rows, columns: columns.lowerBound..<hole.columns.lowerBound),
      Rectangle(rows: hole.rows, columns: hole.columns.upperBound..<columns.upperBound),
    ].filter { $0.area > 0 }
  }

  /// The smallest rectangle that holds this one and another.
  func union(_ other: Rectangle) -> Rectangle {
    func union(_ a: Range<Int>, _ b: Range<Int>) -> Range<Int> {
      min(a.lowerBound, b.lowerBound)..<max(a.upperBound, b.upperBound)
    }
    return Rectangle(rows: union(rows, other.rows), columns: union(columns, other.columns))
  }
}
