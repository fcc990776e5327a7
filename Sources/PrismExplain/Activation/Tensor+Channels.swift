internal import PrismTensor

extension Tensor {
  /// The mean over rows and columns of every channel: `[1, h, w, C]` to `[C]`.
  func channelMeans() -> Tensor {
    let positions = Double(count / shape[3])
    let sums = channelSums { values, index in Double(values[index]) }
    return Tensor([shape[3]], sums.map { Float($0 / positions) })
  }

  /// The sum over rows and columns, in Double, of a term for every element.
  @inline(__always)
  func channelSums(_ term: (UnsafePointer<Float>, Int) -> Double) -> [Double] {
    let channels = shape[3]
    var sums = [Double](repeating: 0, count: channels)
    withUnsafePointer { values in
      sums.withUnsafeMutableBufferPointer { sums in
        for start in stride(from: 0, to: count, by: channels) {
          for c in 0..<channels { sums[c] += term(values, start &+ c) }
        }
      }
    }
    return sums
  }

  /// The sum over channels of weight times activation: `[1, h, w, C]` to `[h, w]`.
  func weightedSum(_ weights: Tensor) -> Tensor {
    weights.withUnsafePointer { weights in
      sumOverChannels { values, index, channel in
        Double(weights[channel]) * Double(values[index])
      }
    }
  }

  /// The sum over channels, in Double, of a term for every element of `[1, h, w, C]`.
  ///
  /// Every fourth channel goes into one of four partial sums.
  ///
  /// - Parameter term: Is given the elements, and the index and the channel of one of them.
  /// - Returns: `[h, w]`.
  @inline(__always)
  func sumOverChannels(_ term: (UnsafePointer<Float>, Int, Int) -> Double) -> Tensor {
    let channels = shape[3]
    return withUnsafePointer { values in
      Tensor(uninitialized: [shape[1], shape[2]]) { map in
        for position in 0..<count / channels {
          let start = position &* channels
          var (s0, s1, s2, s3) = (0.0, 0.0, 0.0, 0.0)
          var c = 0
          while c &+ 4 <= channels {
            s0 += term(values, start &+ c, c)
            s1 += term(values, start &+ c &+ 1, c &+ 1)
            s2 += term(values, start &+ c &+ 2, c &+ 2)
            s3 += term(values, start &+ c &+ 3, c &+ 3)
            c &+= 4
          }
          while c < channels {
            s0 += term(values, start &+ c, c)
            c &+= 1
          }
          map[position] = Float((s0 + s1) + (s2 + s3))
        }
      }
    }
  }
}
