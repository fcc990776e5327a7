internal import PrismAutodiff
internal import PrismKernels
internal import PrismTensor

/// What is kept of images that others descend from: by what each differs from the one before it.
struct Descent {
  /// The most bytes that are kept.
  private let limit: Int
  private var differences: [Int: Difference] = [:]
  /// The images of which something is kept, the longest unused first.
  private var order: [Int] = []
  private var byteCount = 0

  init(limit: Int) { self.limit = limit }

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
  ) -> [UpdateRun.Change?] {
    let near = images.map { image in
      kinship(image).flatMap { kin in
        let altered = run.update.altered(by: kin.rectangle)
        return run.update.share(of: altered) <= limit ? (parent: kin.parent, altered: altered) : nil
      }
    }
    let parents = Set(near.compactMap { $0?.parent })
    for parent in parents { use(parent, kinship) }
    compute(missing(parents, kinship), in: run, kinship: kinship, composing: compose)
    return zip(images, near).map { image, near in
      guard let near, let ancestors = ancestors(of: near.parent, kinship) else { return nil }
      return UpdateRun.Change(image, near.altered, of: run.update, ancestors: ancestors)
    }
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
      for image in left where changes.count < Update.chunk {
        guard let kin = kinship(image), let ancestors = ancestors(of: kin.parent, kinship) else {
          continue
        }
        let altered = run.update.altered(by: kin.rectangle)
        guard let kept = try? Difference(of: run.update, altered: altered),
          makeRoom(for: kept)
        else {
          isFull = true
          break
        }
        changes.append(
          UpdateRun.Change(
            changes.count, altered, of: run.update, ancestors: ancestors, keptIn: kept))
        found.append((image, kept))
      }
      // Where there is no room for all of them, those that descend from the others are computed whole.
      guard !changes.isEmpty else { return }
      // What is wanted of these images is known already.
      let (size, computed) = (run.update.endShape.count * changes.count, found.map(\.image))
      _ = [Float](unsafeUninitializedCapacity: size) { unused, _ in
        guard let unused = unused.baseAddress else { return }
        run.execute(
          changes, Exchange(given: [{ compose(computed[$0], $1) }], results: [unused]))
      }
      for (image, kept) in found {
        differences[image] = kept
        order.append(image)
      }
      left.removeAll { computed.contains($0) }
    }
  }

  /// Notes that an image and those that it descends from are needed.
  private mutating func use(_ image: Int, _ kinship: (Int) -> Kinship?) {
    var next = image
    while next != 0, let kin = kinship(next), kin.parent < next {
      if let place = order.lastIndex(of: next) { order.append(order.remove(at: place)) }
      next = kin.parent
    }
  }

  /// Gives up what has not been used for long; whether there is room then.
  private mutating func makeRoom(for difference: Difference) -> Bool {
    guard difference.byteCount <= limit else { return false }
    while byteCount + difference.byteCount > limit, !order.isEmpty {
      byteCount -= differences.removeValue(forKey: order.removeFirst())?.byteCount ?? 0
    }
    guard byteCount + difference.byteCount <= limit else { return false }
    byteCount += difference.byteCount
    return true
  }
}
