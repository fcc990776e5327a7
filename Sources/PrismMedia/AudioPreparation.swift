public import PrismTensor
public import PrismWeights

/// The rule by which a sound becomes the input of a network, as a model card states it.
///
/// Prediction, explanation and training all come through here. Making one prepares filters and a Fourier transform;
/// it can then be used by several threads.
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
      scale: input.melScale == .htk ? .htk : .slaney)
    // Grey is the only name that is no colour map.
    colors =
      ColorMap(rawValue: input.colors.rawValue)?.colors
      ?? (0..<256).map { RGB(UInt8($0), UInt8($0), UInt8($0)) }
  }

  /// The samples of a window.
  public var windowCount: Int { Int((input.seconds * Double(input.sampleRate)).rounded()) }

  /// A part of a sound that the network looks at.
  public struct Window: Sendable {
    /// Where it begins in the sound, in seconds.
    public let start: Double
    /// Its samples, at the card's rate and of the card's length.
    public let sound: Sound
  }

  /// The parts of a sound that the network looks at one by one.
  ///
  /// A sound that is shorter than a window is repeated until it fills one. Of a longer one, windows begin every `hop`
  /// seconds, and the last ends with the sound.
  ///
  /// - Parameters:
  ///   - sound: Of any rate.
  ///   - hop: In seconds; `nil` for half a window.
  /// - Returns: At least one window.
  /// - Throws: `SoundError.tooShort`, `.silent`.
  public func windows(of sound: Sound, hop: Double? = nil) throws(SoundError) -> [Window] {
    guard sound.seconds >= Self.shortest else {
      throw .tooShort(sound.name, seconds: sound.seconds, needed: Self.shortest)
    }
    guard sound.samples.contains(where: { $0 != 0 }) else { throw .silent(sound.name) }
    let rate = input.sampleRate
    let resampled = sound.resampled(to: rate)
    let length = windowCount
    let count = resampled.samples.count
    guard count > length else {
      let samples = (0..<length).map { resampled.samples[$0 % count] }
      return [Window(start: 0, sound: Sound(rate: rate, samples: samples, name: sound.name))]
    }
    let step = max(1, Int(((hop ?? input.seconds / 2) * Double(rate)).rounded()))
    var starts = Array(stride(from: 0, through: count - length, by: step))
    if let last = starts.last, last < count - length { starts.append(count - length) }
    return starts.map { start in
      Window(
        start: Double(start) / Double(rate), sound: resampled.part(from: start, count: length))
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
    let (bands, frames) = (decibels.shape[0], decibels.shape[1])
    let isFlipped = input.orientation == .lowAtBottom
    let factor = Float(255 / input.range)
    let pixels = decibels.withUnsafeBufferPointer { values in
      [UInt8](unsafeUninitializedCapacity: 3 * bands * frames) { target, count in
        for row in 0..<bands {
          let band = isFlipped ? bands - 1 - row : row
          for frame in 0..<frames {
            let level = (values[band * frames + frame] * factor + 255).rounded()
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
    return Image(width: frames, height: bands, pixels: pixels)
  }

  /// The network's input for a window.
  ///
  /// - Parameter window: At the card's rate.
  /// - Returns: `[1, H, W, 3]`.
  /// - Throws: ``SpectrogramError/noMemory``.
  public func tensor(of window: Sound) throws(SpectrogramError) -> Tensor {
    input.image.tensor(of: try picture(of: window))
  }
}
