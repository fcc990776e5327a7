public import PrismTensor
public import PrismCard

/// A part of a sound that a network looks at.
public struct AudioSegment: Sendable {
  /// Where it begins in the sound, in seconds.
  public let start: Double
  /// Where it ends, in seconds; where the sound is shorter than a segment, the end of the sound,
  /// which is then repeated.
  public let end: Double
  /// Its samples, at the card's rate and of the card's length.
  public let sound: Sound
  /// Whether it is silence, of which a network can say nothing.
  public internal(set) var isSilent = false
}

/// The rule by which a sound becomes the input of a network, as a model card states it.
///
/// Prediction, explanation and training all come through here. Making one prepares filters and a
/// Fourier transform; it can then be used by several threads.
public struct AudioPreparation: Sendable {
  /// The least sound that is looked at, in seconds.
  public static let shortest = 0.1

  /// What the card says.
  public let input: ModelCard.AudioInput
  /// The mel spectrogram of a window.
  public let spectrogram: MelSpectrogram
  private let colors: [RGB]

  /// Prepares the rule of a card.
  ///
  /// - Throws: ``SpectrogramError`` where the card was not validated, or memory is short.
  public init(_ input: ModelCard.AudioInput) throws(SpectrogramError) {
    self.input = input
    spectrogram = try MelSpectrogram(
      rate: input.sampleRate, fft: input.fft, hop: input.hop, bands: input.bands,
      minimum: input.minimum, maximum: input.maximum,
      scale: input.melScale == .htk ? .htk : .slaney,
      hasUnitArea: input.levels?.norm != ModelCard.AudioInput.Levels.Norm.none,
      mirrorsEnds: input.levels?.edges == .reflect)
    // Grey is the only name that is no colour map.
    colors =
      ColorMap(rawValue: input.colors.rawValue)?.colors
      ?? (0..<256).map { RGB(UInt8($0), UInt8($0), UInt8($0)) }
  }

  /// The samples of a window.
  public var windowCount: Int { Int((input.seconds * Double(input.sampleRate)).rounded()) }

  /// The parts of a sound that the network looks at one by one.
  ///
  /// A sound that is shorter than a window is repeated until it fills one. Of a longer one, windows
  /// begin every `hop` seconds, and the last ends with the sound. A window is silent below
  /// ``SignalCheck/quietest``; in a sound that is quieter all along only where every sample is
  /// zero.
  ///
  /// - Parameters:
  ///   - sound: Of any rate.
  ///   - hop: In seconds; `nil` for half a window.
  /// - Returns: At least one window.
  /// - Throws: `SoundError.tooShort`, `.silent`.
  public func windows(of sound: Sound, hop: Double? = nil) throws(SoundError) -> [AudioSegment] {
    guard sound.seconds >= Self.shortest else {
      throw .tooShort(sound.name, seconds: sound.seconds, needed: Self.shortest)
    }
    guard sound.samples.contains(where: { $0 != 0 }) else { throw .silent(sound.name) }
    let rate = input.sampleRate
    let resampled = try sound.resampled(to: rate)
    let length = windowCount
    let count = resampled.samples.count
    guard count > length else {
      let samples = (0..<length).map { resampled.samples[$0 % count] }
      return [
        AudioSegment(
          start: 0, end: min(sound.seconds, input.seconds),
          sound: Sound(exactly: rate, samples: samples, name: sound.name))
      ]
    }
    let step = max(1, Int(((hop ?? input.seconds / 2) * Double(rate)).rounded()))
    var starts = Array(stride(from: 0, through: count - length, by: step))
    if let last = starts.last, last < count - length { starts.append(count - length) }
    return markingSilence(
      starts.map { start in
        AudioSegment(
          start: Double(start) / Double(rate), end: Double(start) / Double(rate) + input.seconds,
          sound: resampled.part(from: start, count: length))
      })
  }

  private func markingSilence(_ segments: [AudioSegment]) -> [AudioSegment] {
    let levels = segments.map { SignalCheck.level(of: $0.sound.samples[...]) }
    let hasSound = levels.contains { $0 >= SignalCheck.quietest }
    return zip(segments, levels).map { segment, level in
      var segment = segment
      segment.isSilent =
        hasSound ? level < SignalCheck.quietest : segment.sound.samples.allSatisfy { $0 == 0 }
      return segment
    }
  }

  /// The picture of a window: its spectrogram, one column a frame and one row a band.
  ///
  /// `v` decibels below the maximum have the brightness `255 · (1 − v / range)`, rounded.
  ///
  /// - Parameter window: At the card's rate.
  /// - Returns: As wide as there are frames and as high as there are bands.
  /// - Throws: ``SpectrogramError/noMemory``.
  public func picture(of window: Sound) throws(SpectrogramError) -> Image {
    let decibels = MelSpectrogram.decibels(try spectrogram(window.samples), range: input.range)
    let (bands, frames) = (decibels.shape[0], input.frames)
    let stride = decibels.shape[1]
    let isFlipped = input.orientation == .lowAtBottom
    let factor = Float(255 / input.range)
    let pixels = decibels.withUnsafeBufferPointer { values in
      [UInt8](unsafeUninitializedCapacity: 3 * bands * frames) { target, count in
        for row in 0..<bands {
          let band = isFlipped ? bands - 1 - row : row
          for frame in 0..<frames {
            let level = (values[band * stride + frame] * factor + 255).rounded()
            let color = colors[Int(max(0, min(255, level)))]
            let position = 3 * (row * frames + frame)
            target[position] = color.red
            target[position + 1] = color.green
            target[position + 2] = color.blue
          }
        }
        count = 3 * bands * frames
      }
    }
    return Image(width: frames, height: bands, exactly: pixels)
  }

  /// The network's input for a window.
  ///
  /// - Parameter window: At the card's rate.
  /// - Returns: `[1, H, W, C]`.
  /// - Throws: ``SpectrogramError/noMemory``.
  public func tensor(of window: Sound) throws(SpectrogramError) -> Tensor {
    guard let levels = input.levels else { return input.image.tensor(of: try picture(of: window)) }
    return levels.tensor(of: try spectrogram(window.samples), input)
  }

  /// The network's input for a window, and the picture at the size of it, in its orientation.
  ///
  /// - Parameter window: At the card's rate.
  /// - Returns: `[1, H, W, C]`, and pixels for people and for segmentations.
  /// - Throws: ``SpectrogramError/noMemory``.
  public func prepared(
    _ window: Sound
  ) throws(SpectrogramError) -> (input: Tensor, pixels: Image) {
    let picture = try picture(of: window)
    guard input.levels != nil else { return input.image.prepared(picture) }
    return (try tensor(of: window), turned(picture))
  }

  /// What silence is in the network's input, one number a channel.
  public var black: [Float] {
    input.levels.map { [$0.level(ofPower: 0, band: nil)] } ?? input.image.black
  }

  /// What the loudest is in the network's input, one number a channel; of levels, full power.
  public var white: [Float] {
    input.levels.map { [$0.level(ofPower: 1, band: nil)] } ?? input.image.white
  }
}

// MARK: - Where in time and frequency a place of the picture is

extension AudioPreparation {
  /// The picture with low frequencies at the bottom, for people.
  public func upright(_ image: Image) -> Image {
    guard input.orientation == .lowAtTop else { return image }
    let row = 3 * image.width
    let pixels = (0..<image.height).reversed().flatMap {
      image.pixels[($0 * row)..<(($0 + 1) * row)]
    }
    return Image(width: image.width, height: image.height, exactly: pixels)
  }

  /// A map of the network's picture with low frequencies at the bottom.
  ///
  /// - Parameter map: `[H, W]`.
  /// - Returns: `[H, W]`; `[W, H]` where the network's rows are frames.
  public func upright(_ map: Tensor) -> Tensor {
    guard input.orientation == .lowAtTop else { return map }
    guard map.shape.rank == 2 else { return map }
    return flipped(hasFramesAsRows ? transposed(map) : map)
  }

  /// A map as people see it in the network's orientation: the inverse of ``upright(_:)-(Tensor)``.
  ///
  /// - Parameter map: `[H, W]`, low frequencies at the bottom.
  /// - Returns: `[H, W]`; `[W, H]` where the network's rows are frames.
  public func turned(_ map: Tensor) -> Tensor {
    guard input.orientation == .lowAtTop, map.shape.rank == 2 else { return map }
    let map = flipped(map)
    return hasFramesAsRows ? transposed(map) : map
  }

  /// Whether the rows of the network's input are frames.
  public var hasFramesAsRows: Bool { input.levels?.axes == .framesBands }

  /// The picture, lowest band first, in the network's orientation.
  private func turned(_ image: Image) -> Image {
    guard hasFramesAsRows else { return image }
    var pixels: [UInt8] = []
    pixels.reserveCapacity(image.pixels.count)
    for x in 0..<image.width {
      for y in 0..<image.height {
        let place = 3 * (y * image.width + x)
        pixels += image.pixels[place..<place + 3]
      }
    }
    return Image(width: image.height, height: image.width, exactly: pixels)
  }

  private func transposed(_ map: Tensor) -> Tensor {
    let (height, width) = (map.shape[0], map.shape[1])
    let values = map.scalars
    return Tensor(
      [width, height], (0..<width).flatMap { x in (0..<height).map { values[$0 * width + x] } })
  }

  private func flipped(_ map: Tensor) -> Tensor {
    let (height, width) = (map.shape[0], map.shape[1])
    let values = map.scalars
    return Tensor(
      map.shape, (0..<height).reversed().flatMap { values[($0 * width)..<(($0 + 1) * width)] })
  }

  /// The frequency at a height above the picture's lower edge, in Hz.
  ///
  /// - Parameter share: From 0 at the lower edge to 1 at the upper, in an upright picture.
  /// - Returns: From the middle of the lowest band, less half a band, to that of the highest, and
  ///   half a band more.
  public func frequency(at share: Double) -> Double {
    // The middle of band b is at b + ½, and is the edge b + 1 of the triangles.
    let position = min(max(share, 0), 1) * Double(input.bands) + 0.5
    let index = min(Int(position), input.bands)
    let edges = spectrogram.edges
    return edges[index] + (edges[index + 1] - edges[index]) * (position - Double(index))
  }

  /// The height of a frequency above the picture's lower edge; below 0 or above 1 where the picture
  /// has no such.
  func share(of frequency: Double) -> Double {
    let edges = spectrogram.edges
    guard frequency > edges[0] else { return -1 }
    guard let upper = edges.firstIndex(where: { $0 >= frequency }) else { return 2 }
    let (low, high) = (edges[upper - 1], edges[upper])
    let position = Double(upper - 1) + (frequency - low) / (high - low)
    return (position - 0.5) / Double(input.bands)
  }

  /// The time at a place of the picture, in seconds from the window's start.
  ///
  /// - Parameter share: From 0 at the left edge to 1 at the right.
  /// - Returns: Within the window.
  public func time(at share: Double) -> Double {
    min(max(edge(at: share), 0), input.seconds)
  }

  /// The time at a place of the picture, whose edges lie half a frame beyond the window's.
  private func edge(at share: Double) -> Double {
    // The middle of column k is the middle of frame k, which is at k hops.
    let frames = Double(input.frames)
    return (share * frames - 0.5) * Double(input.hop) / Double(input.sampleRate)
  }

  /// What the axes of an upright picture show.
  ///
  /// - Parameters:
  ///   - sound: The part of the sound that is in the window, in seconds; what is repeated behind it
  ///     has no times.
  ///   - height: The rows of the picture.
  /// - Returns: Axes whose marks end where the sound ends.
  public func axes(of sound: ClosedRange<Double>, height: Int) -> FigureAxes {
    let rows = max(height, 1)
    return FigureAxes(
      times: (sound.lowerBound + edge(at: 0))...(sound.lowerBound + edge(at: 1)),
      frequencies: (0...rows).map { frequency(at: Double($0) / Double(rows)) }, sound: sound)
  }

  /// The spectrogram of a window for people: low frequencies at the bottom, and pale where a short
  /// sound is only repeated.
  ///
  /// - Parameters:
  ///   - window: At the card's rate.
  ///   - seconds: The length of the sound in the window.
  /// - Returns: A picture of the size of ``picture(of:)``.
  /// - Throws: ``SpectrogramError/noMemory``.
  public func shown(_ window: Sound, seconds: Double) throws(SpectrogramError) -> Image {
    let picture = upright(try picture(of: window))
    guard seconds < input.seconds - 1e-6 else { return picture }
    var pixels = picture.pixels
    for column in 0..<picture.width {
      guard edge(at: (Double(column) + 0.5) / Double(picture.width)) >= seconds else { continue }
      for row in 0..<picture.height {
        let place = 3 * (row * picture.width + column)
        for i in place..<(place + 3) { pixels[i] = UInt8((Int(pixels[i]) + 3 * 190) / 4) }
      }
    }
    return Image(width: picture.width, height: picture.height, exactly: pixels)
  }

  /// The parts of a window inside and outside a mask, which add up to the window.
  ///
  /// Its short-time spectrum is multiplied by the mask, keeping the phase, and transformed back.
  /// What the picture does not show (beyond the lowest and highest band) is outside.
  ///
  /// - Parameters:
  ///   - window: At the card's rate.
  ///   - mask: `[H, W]` from 0 to 1, upright; enlarged bilinearly.
  /// - Returns: Two sounds of the window's length.
  /// - Throws: ``SpectrogramError/noMemory``; `.parameter` where the mask has no rows and columns.
  public func divided(
    _ window: Sound, by mask: Tensor
  ) throws(SpectrogramError) -> (inside: Sound, outside: Sound) {
    guard mask.shape.rank == 2, mask.count > 0 else {
      throw .parameter("a mask of \(mask.shape)")
    }
    let (height, width) = (mask.shape[0], mask.shape[1])
    let weights = mask.scalars
    var inside = try spectrogram.transform(window.samples)
    var outside = inside
    let bins = inside.transform.bins
    // The two rows and the weight of the second, for each bin.
    let rows = (0..<bins).map { bin -> BilinearNeighbours? in
      let place = share(of: Double(bin) * Double(input.sampleRate) / Double(input.fft))
      guard place >= 0, place <= 1 else { return nil }
      return BilinearNeighbours(of: (1 - place) * Double(height), count: height)
    }
    for frame in 0..<inside.frames {
      let place = (Double(frame) + 0.5) / Double(inside.frames) * Double(width)
      let column = BilinearNeighbours(of: place, count: width)
      for bin in 0..<bins {
        var weight = 0.0
        if let place = rows[bin] {
          func row(_ index: Int) -> Double {
            let (a, b) = (
              Double(weights[index * width + column.first]),
              Double(weights[index * width + column.second])
            )
            return a + (b - a) * column.share
          }
          weight = row(place.first) + (row(place.second) - row(place.first)) * place.share
        }
        inside.values[frame * bins + bin] *= weight
        outside.values[frame * bins + bin] *= 1 - weight
      }
    }
    return (
      Sound(exactly: window.rate, samples: try inside.inverse(), name: window.name),
      Sound(exactly: window.rate, samples: try outside.inverse(), name: window.name)
    )
  }
}
