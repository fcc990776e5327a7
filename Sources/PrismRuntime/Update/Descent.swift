internal import PrismAutodiff
internal import PrismKernels
internal import PrismTensor

/// What is kept of images that others descend from: by what each differs from the one before it.
struct Descent {
  /// How an image is computed from the one that it differs from.
  struct Descendant {
    /// What of it is altered.
    let altered: [Rectangle?]
    /// By what the image that it differs from differs from the known one: one after the other.
    let ancestors: [Difference]
    /// Where what is altered is kept.
    let kept: Difference?
    /// The part of all operations that is computed.
    let share: Double
  }

  /// The most bytes that are kept; fewer once the system had not so much.
  private var limit: Int
  /// Memory of what was given up is taken again: the system clears what it gives.
  private let memory: WorkspaceMemory
  private var differences: [Int: Difference] = [:]
  /// The images of which something is kept, the longest unused first.
  private var order: [Int] = []
  private var byteCount = 0
  /// The images from which those that are computed now descend.
  private var inUse: Set<Int> = []

  init(limit: Int) {
    self.limit = limit
    memory = WorkspaceMemory(limit: limit)
  }

  /// How images are computed from those that they differ from.
  ///
  /// - Parameters:
  ///   - images: The images' numbers.
  ///   - limit: The largest part of the update's operations that is computed for an image.
  ///   - run: Computes those they descend from, where they are not kept.
  ///   - kinship: By what an image differs from an earlier one.
  ///   - compose: Writes the image with a number.
  /// - Returns: One entry an image; `nil` where a whole pass is better.
  mutating func changes(
    _ images: Range<Int>, limit: Double, in run: UpdateRun, kinship: (Int) -> Kinship?,
    composing compose: @escaping @Sendable (Int, UnsafeMutablePointer<Float>) -> Void
  ) -> [Descendant?] {
    let near = images.map { image in
      kinship(image).flatMap { kin in
        let altered = run.update.altered(by: kin.rectangle)
        let share = run.update.share(of: altered)
        return share <= limit ? (parent: kin.parent, altered: altered, share: share) : nil
      }
    }
    let parents = Set(near.compactMap { $0?.parent })
    inUse = []
    for parent in parents { use(parent, kinship) }
    compute(missing(parents, kinship), in: run, kinship: kinship, composing: compose)
    // What is kept of these images is there only after they have been computed.
    let ancestors = near.map { near in near.flatMap { self.ancestors(of: $0.parent, kinship) } }
    return images.enumerated().map { index, image in
      guard let near = near[index], let ancestors = ancestors[index] else { return nil }
      return Descendant(
        altered: near.altered, ancestors: ancestors,
        kept: kept(near.altered, of: image, in: run), share: near.share)
    }
  }

  /// Room for what is kept of an image that is computed now, from which others may descend.
  private mutating func kept(
    _ altered: [Rectangle?], of image: Int, in run: UpdateRun
  ) -> Difference? {
    guard differences[image] == nil, let kept = difference(altered, in: run) else { return nil }
    differences[image] = kept
    order.append(image)
    return kept
  }

  /// Room for what a change alters; `nil` where there is none.
  private mutating func difference(_ altered: [Rectangle?], in run: UpdateRun) -> Difference? {
    let layout = DifferenceLayout(of: run.update, altered: altered)
    guard makeRoom(layout.count * MemoryLayout<Float>.stride) else { return nil }
    guard let difference = try? Difference(layout, memory: memory) else {
      // What computes needs room as well.
      limit = byteCount / 2
      _ = makeRoom(0)
      memory.release()
      return nil
    }
    byteCount += difference.byteCount
    return difference
  }

  /// By what an image differs from the known one, one after the other; `nil` where that is not kept.
  private func ancestors(of image: Int, _ kinship: (Int) -> Kinship?) -> [Difference]? {
    var (ancestors, image) = ([Difference](), image)
    while image != 0 {
      guard let difference = differences[image], let kin = kinship(image) else { return nil }
      ancestors.append(difference)
      image = kin.parent
    }
    return ancestors.reversed()
  }

  /// The images, and those that they descend from, of which nothing is kept; none where the descent
  /// is not known.
  private func missing(_ images: Set<Int>, _ kinship: (Int) -> Kinship?) -> [Int] {
    var missing: Set<Int> = []
    for image in images {
      var (chain, next) = ([Int](), image)
      while next != 0, let kin = kinship(next), kin.parent < next {
        if differences[next] == nil { chain.append(next) }
        next = kin.parent
      }
      if next == 0 { missing.formUnion(chain) }
    }
    return missing.sorted()
  }

  /// Computes images and keeps by what they differ, as many at a time as do not need each other.
  private mutating func compute(
    _ images: [Int], in run: UpdateRun, kinship: (Int) -> Kinship?,
    composing compose: @escaping @Sendable (Int, UnsafeMutablePointer<Float>) -> Void
  ) {
    var (left, isFull) = (images, false)
    while !left.isEmpty, !isFull {
      var (changes, found) = ([UpdateRun.Change](), [(image: Int, kept: Difference)]())
      for image in left where changes.count < run.chunk {
        guard let kin = kinship(image), let ancestors = ancestors(of: kin.parent, kinship) else {
          continue
        }
        let altered = run.update.altered(by: kin.rectangle)
        guard let kept = difference(altered, in: run) else {
          isFull = true
          break
        }
        changes.append(
          UpdateRun.Change(
            changes.count, source: changes.count, altered, of: run.update, ancestors: ancestors,
            keptIn: kept, isWanted: false))
        found.append((image, kept))
      }
      // Where there is no room for all of them, those that descend from the others are computed whole.
      guard !changes.isEmpty else { return }
      // What is wanted of these images is known already.
      let exchange = Exchange(given: [compose], results: [])
      run.compose(found.map(\.image), exchange)
      run.execute(changes, exchange)
      for (image, kept) in found {
        differences[image] = kept
        order.append(image)
      }
      left.removeAll { image in found.contains { $0.image == image } }
    }
  }

  /// Notes that an image and those that it descends from are needed.
  private mutating func use(_ image: Int, _ kinship: (Int) -> Kinship?) {
    var next = image
    while next != 0, let kin = kinship(next), kin.parent < next {
      inUse.insert(next)
      if let place = order.lastIndex(of: next) { order.append(order.remove(at: place)) }
      next = kin.parent
    }
  }

  /// Gives up what has not been used for long, until there is room.
  ///
  /// - Returns: Whether there is.
  private mutating func makeRoom(_ bytes: Int) -> Bool {
    guard bytes <= limit else { return false }
    // What is in use would be held all the same.
    while byteCount + bytes > limit,
      let place = order.firstIndex(where: { !inUse.contains($0) })
    {
      byteCount -= differences.removeValue(forKey: order.remove(at: place))?.byteCount ?? 0
    }
    return byteCount + bytes <= limit
  }
}
