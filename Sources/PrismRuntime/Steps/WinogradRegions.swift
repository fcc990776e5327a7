internal import PrismAutodiff
internal import PrismKernels

/// A Winograd convolution over a region of each of several images, in three phases, so that its
/// large transformed weights are read once for all of them.
///
/// Tiles of whose patch no more than the outer row or column has changed need the products of one
/// row or column of points alone; the others are those of the known image, where they are kept.
struct WinogradRegions {
  /// The most tiles that are taken through the phases together, where an image does not have more.
  static let mostTiles = 288

  /// The region of an image.
  struct Area {
    /// The image's place among those that exist.
    let slot: Int
    /// What is computed.
    let rectangle: Rectangle
    /// What of the convolution is altered, where everything else has the known image's bits.
    let altered: Rectangle?
  }

  /// Which points of an axis have other products than those of the known image.
  private enum Side: Int {
    /// The first, of tiles that end with the change.
    case first
    /// All.
    case all
    /// The last, of tiles that the change begins behind.
    case last
  }

  /// Some tiles of one image, and where their numbers lie among those of all images.
  private struct Share {
    let image: Int
    /// The tiles, counted among these columns of tiles.
    var tiles: Range<Int>
    let columns: Range<Int>
    let rowSide, columnSide: Side
    var slot = 0

    var block: Int { rowSide.rawValue * 3 + columnSide.rawValue }

    var isWhole: Bool { rowSide == .all && columnSide == .all }
  }

  private let kind: WinogradStep
  private let rows, columns: Int
  /// The most tiles that are taken through the phases together.
  private let capacity: Int

  init(_ kind: WinogradStep, images: Int) {
    self.kind = kind
    rows = (kind.shape.outputHeight + kind.m - 1) / kind.m
    columns = (kind.shape.outputWidth + kind.m - 1) / kind.m
    capacity = min(images * rows * columns, max(rows * columns, Self.mostTiles))
  }

  private var shape: ConvolutionShape { kind.shape }
  private var m: Int { kind.m }
  private var points: Int { (m + 2) * (m + 2) }
  private var tileCount: Int { rows * columns }

  private func inputSize(_ kernels: Kernels) -> Int {
    ArenaLayout.aligned(
      kernels.winogradInputBufferSize(inputChannels: shape.inputChannels, m: m, capacity: capacity))
  }

  private func productSize(_ kernels: Kernels, tiles: Int) -> Int {
    kernels.winogradProductBufferSize(outputChannels: shape.outputChannels, m: m, capacity: tiles)
  }

  /// The floats of both shared buffers, for whatever instruction set runs them.
  var sharedSize: Int {
    InstructionSet.available.map { set in
      let kernels = Kernels(set)
      return inputSize(kernels) + ArenaLayout.aligned(productSize(kernels, tiles: capacity))
    }.max() ?? 0
  }

  /// The floats of the products of a whole image, for whatever instruction set runs them.
  var keptSize: Int {
    InstructionSet.available.map { productSize(Kernels($0), tiles: tileCount) }.max() ?? 0
  }

  // MARK: - The known image

  /// Computes the products of a whole image.
  ///
  /// - Parameters:
  ///   - step: The step.
  ///   - context: The image.
  ///   - kept: Receives the products.
  ///   - workspace: Has the scratch of threads and the shared buffers.
  ///   - kernels: What computes.
  ///   - pool: The threads.
  func keep(
    _ step: Step, _ context: Context, in kept: UnsafeMutablePointer<Float>, workspace: Workspace,
    kernels: Kernels, pool: WorkerPool
  ) {
    guard let weights = step.weights, let job = kind.job(step, context) else { return }
    let transformed = workspace.shared
    pool.run(tasks: rows) { row, worker in
      var part = job
      part.rows = row * columns..<(row + 1) * columns
      part.scratch = workspace.scratch(worker)
      kernels.winogradInput(
        part, m: m, into: transformed, capacity: tileCount, slot: row * columns)
    }
    pool.run(tasks: points) { point, _ in
      kernels.winogradMultiply(
        shape, m: m, weights: weights.pointer, input: transformed, products: kept,
        capacity: tileCount, slotStart: 0, slotEnd: tileCount, pointStart: point,
        pointEnd: point + 1)
    }
  }

  // MARK: - Regions

  /// Computes the tiles that meet the regions.
  ///
  /// - Parameters:
  ///   - step: The step.
  ///   - areas: The regions of some images.
  ///   - kept: The products of the known image, where they are kept.
  ///   - workspace: The memory of the call.
  ///   - kernels: What computes.
  ///   - pool: The threads.
  func execute(
    _ step: Step, over areas: [Area], kept: UnsafePointer<Float>?, workspace: Workspace,
    kernels: Kernels, pool: WorkerPool
  ) {
    var (shares, count) = ([Share](), 0)
    for area in areas {
      let some = self.shares(area, hasKept: kept != nil)
      let size = some.reduce(0) { $0 + $1.tiles.count }
      if count + size > capacity, count > 0 {
        run(step, shares, kept, workspace, kernels, pool)
        (shares, count) = ([], 0)
      }
      shares += some
      count += size
    }
    if count > 0 { run(step, shares, kept, workspace, kernels, pool) }
  }

  /// The tiles of a region by what has changed under them.
  private func shares(_ area: Area, hasKept: Bool) -> [Share] {
    let altered = hasKept && area.altered == area.rectangle ? area.altered : nil
    let rows = parts(area.rectangle.rows, altered?.rows, count: shape.outputHeight)
    let columns = parts(area.rectangle.columns, altered?.columns, count: shape.outputWidth)
    return rows.flatMap { row in
      columns.map { column in
        let width = column.tiles.count
        return Share(
          image: area.slot,
          tiles: row.tiles.lowerBound * width..<row.tiles.upperBound * width,
          columns: column.tiles, rowSide: row.side, columnSide: column.side)
      }
    }
  }

  private func parts(
    _ range: Range<Int>, _ altered: Range<Int>?, count: Int
  ) -> [(side: Side, tiles: Range<Int>)] {
    var inner = range.lowerBound / m..<(range.upperBound + m - 1) / m
    var parts: [(side: Side, tiles: Range<Int>)] = []
    if let altered {
      // Only beside a change is a single row or column of a tile altered.
      if altered.lowerBound % m == m - 1 {
        parts.append((.last, inner.lowerBound..<inner.lowerBound + 1))
        inner = inner.lowerBound + 1..<inner.upperBound
      }
      if altered.upperBound % m == 1, altered.upperBound < count, !inner.isEmpty {
        parts.append((.first, inner.upperBound - 1..<inner.upperBound))
        inner = inner.lowerBound..<inner.upperBound - 1
      }
    }
    if !inner.isEmpty { parts.append((.all, inner)) }
    return parts
  }

  /// Takes some tiles through the phases.
  private func run(
    _ step: Step, _ unplaced: [Share], _ kept: UnsafePointer<Float>?, _ workspace: Workspace,
    _ kernels: Kernels, _ pool: WorkerPool
  ) {
    guard let weights = step.weights else { return }
    let (shares, starts) = placed(unplaced, pieces: 4 * pool.workerCount)
    let count = starts[9]
    let transformed = workspace.shared
    let products = transformed + inputSize(kernels)
    func job(_ share: Share, _ worker: Int) -> ConvolutionJob? {
      let context = workspace.context(lane: worker, slot: share.image, image: share.image)
      guard var job = kind.job(step, context) else { return nil }
      (job.rows, job.columns) = (share.tiles, share.columns)
      return job
    }
    pool.run(tasks: shares.count) { task, worker in
      guard let job = job(shares[task], worker) else { return }
      kernels.winogradInput(job, m: m, into: transformed, capacity: count, slot: shares[task].slot)
    }
    pool.run(tasks: points) { point, _ in
      let columns = sides(point % (m + 2))
      for row in sides(point / (m + 2)) {
        let slots =
          starts[row * 3 + columns.lowerBound]..<starts[row * 3 + columns.upperBound]
        guard !slots.isEmpty else { continue }
        kernels.winogradMultiply(
          shape, m: m, weights: weights.pointer, input: transformed, products: products,
          capacity: count, slotStart: slots.lowerBound, slotEnd: slots.upperBound,
          pointStart: point, pointEnd: point + 1)
      }
    }
    pool.run(tasks: shares.count) { task, worker in
      let share = shares[task]
      guard let job = job(share, worker) else { return }
      if let kept, !share.isWhole { fill(share, products, kept, capacity: count, kernels) }
      kernels.winogradOutput(job, m: m, products: products, capacity: count, slot: share.slot)
    }
  }

  /// The sides whose tiles need the products of a point of an axis.
  private func sides(_ point: Int) -> Range<Int> {
    point == 0 ? 0..<2 : point == m + 1 ? 1..<3 : 1..<2
  }

  /// The tiles in pieces, those of the same sides side by side, and where every block of them begins.
  private func placed(_ shares: [Share], pieces: Int) -> ([Share], starts: [Int]) {
    let size = max(4, shares.reduce(0) { $0 + $1.tiles.count } / pieces)
    var (placed, starts, slot) = ([Share](), [Int](), 0)
    for block in 0..<9 {
      starts.append(slot)
      for share in shares where share.block == block {
        for first in stride(from: share.tiles.lowerBound, to: share.tiles.upperBound, by: size) {
          var piece = share
          piece.tiles = first..<min(first + size, share.tiles.upperBound)
          piece.slot = slot
          placed.append(piece)
          slot += piece.tiles.count
        }
      }
    }
    return (placed, starts + [slot])
  }

  /// Takes the products that have not changed from those of the known image.
  private func fill(
    _ share: Share, _ products: UnsafeMutablePointer<Float>, _ kept: UnsafePointer<Float>,
    capacity: Int, _ kernels: Kernels
  ) {
    let size = productSize(kernels, tiles: 1) / points
    let width = share.columns.count
    for point in 0..<points {
      let isChanged =
        sides(point / (m + 2)).contains(share.rowSide.rawValue)
        && sides(point % (m + 2)).contains(share.columnSide.rawValue)
      guard !isChanged else { continue }
      for (index, tile) in share.tiles.enumerated() {
        let number = tile / width * columns + share.columns.lowerBound + tile % width
        (products + (point * capacity + share.slot + index) * size).update(
          from: kept + (point * tileCount + number) * size, count: size)
      }
    }
  }
}
