internal import PrismRuntime

/// Simple linear iterative clustering: k-means in colour and place, in which a centre sees its
/// neighbourhood only.
///
/// Definition and order of sums are those of scikit-image 0.26 in Double: the picture's numbers are
/// stretched to the range 0 to 1, converted to L*a*b* and divided by the compactness; centres start
/// on a regular grid; at most ten rounds. With `isConnected` parts smaller than half the mean size
/// go to a neighbour, and parts above three times that size are cut. Labels are numbered from 0
/// without gaps (scikit-image leaves the numbers of centres that lost all pixels unused).
/// Definition: Achanta et al., "SLIC Superpixels Compared to State-of-the-Art Superpixel Methods",
/// IEEE TPAMI 2012.
func slicSegments(
  _ image: LabImage, count: Int, compactness: Double, isConnected: Bool, work: Work
) throws -> Segmentation {
  let (height, width) = (image.height, image.width)
  let area = height * width
  let (rows, columns) = (
    GridAxis(height, other: width, points: count), GridAxis(width, other: height, points: count)
  )
  var centres: [[Double]] = []
  for y in stride(from: rows.start, to: height, by: rows.step) {
    for x in stride(from: columns.start, to: width, by: columns.step) {
      centres.append([Double(y), Double(x), 0, 0, 0])
    }
  }
  let colors = image.values.map { $0 * (1 / compactness) }
  let step = Double(max(rows.step, columns.step))
  let weight = 1 / (step * step)
  var nearest = [Int](repeating: -1, count: area)
  for _ in 0..<10 {
    try work.check()
    var distances = [Double](repeating: .greatestFiniteMagnitude, count: area)
    var isChanged = false
    for (k, centre) in centres.enumerated() where centre[0].isFinite {
      func window(_ center: Double, _ step: Int, _ size: Int) -> Range<Int> {
        let low = Int(max(center - Double(2 * step), 0))
        return low..<max(low, Int(min(center + Double(2 * step + 1), Double(size))))
      }
      for y in window(centre[0], rows.step, height) {
        let dy = (centre[0] - Double(y)) * (centre[0] - Double(y))
        for x in window(centre[1], columns.step, width) {
          let p = y * width + x
          let dx = (centre[1] - Double(x)) * (centre[1] - Double(x))
          let (a, b, c) = (
            colors[3 * p] - centre[2], colors[3 * p + 1] - centre[3], colors[3 * p + 2] - centre[4]
          )
          var distance = (dy + dx) * weight
          distance += a * a + b * b + c * c
          if distances[p] > distance {
            nearest[p] = k
            distances[p] = distance
            isChanged = true
          }
        }
      }
    }
    guard isChanged else { break }
    var sums = centres.map { _ in [Double](repeating: 0, count: 5) }
    var sizes = [Double](repeating: 0, count: centres.count)
    for p in 0..<area where nearest[p] >= 0 {
      let k = nearest[p]
      sizes[k] += 1
      sums[k][0] += Double(p / width)
      sums[k][1] += Double(p % width)
      for c in 0..<3 { sums[k][2 + c] += colors[3 * p + c] }
    }
    // A centre without pixels divides by zero and sees nothing from then on.
    for k in centres.indices { centres[k] = sums[k].map { $0 / sizes[k] } }
  }
  if isConnected {
    let size = Double(area) / Double(centres.count)
    nearest = connected(
      nearest, height: height, width: width, minimum: Int(0.5 * size), maximum: Int(3 * size))
  }
  return Segmentation(renumbering: nearest, height: height, width: width)
}

/// Start and step of the grid of centres along one axis of an image.
private struct GridAxis {
  let start, step: Int

  init(_ size: Int, other: Int, points: Int) {
    let area = Double(size * other)
    var step = area <= Double(points) ? 1 : (area / Double(points)).squareRoot()
    if area > Double(points), Double(min(size, other)) < step {
      // The shorter axis holds one point, the longer one the rest.
      let short = Double(min(size, other))
      step = size <= other ? short : Double(size) / Double(points)
    }
    self.step = max(Int(step.rounded(.toNearestOrEven)), 1)
    start = area <= Double(points) ? 0 : min(Int(step / 2), size - 1)
  }
}

/// Labels in which every part is connected and none is smaller than a minimum, as scikit-image
/// enforces it.
private func connected(
  _ labels: [Int], height: Int, width: Int, minimum: Int, maximum: Int
) -> [Int] {
  var result = [Int](repeating: -1, count: labels.count)
  var next = 0
  for p in labels.indices where labels[p] >= 0 && result[p] < 0 {
    var adjacent = next
    result[p] = next
    var part = [p]
    var visited = 0
    while visited < part.count, part.count < maximum {
      let (y, x) = (part[visited] / width, part[visited] % width)
      for (dy, dx) in [(0, 1), (0, -1), (1, 0), (-1, 0)] {
        guard (0..<height).contains(y + dy), (0..<width).contains(x + dx) else { continue }
        let q = (y + dy) * width + x + dx
        if labels[q] == labels[p], result[q] < 0 {
          result[q] = next
          part.append(q)
          if part.count >= maximum { break }
        } else if result[q] >= 0, result[q] != next {
          adjacent = result[q]
        }
      }
      visited += 1
    }
    if part.count < minimum {
      for q in part { result[q] = adjacent }
    } else {
      next += 1
    }
  }
  return result
}
