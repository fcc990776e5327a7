extension ModelCard.AudioInput {
  /// A mel spectrogram whose numbers are the network's input, without a picture in between:
  /// `(v − mean) / std` of every level v.
  public struct Levels: Sendable, Equatable {
    /// What powers are raised to before their logarithm.
    public var floor: Double
    /// How the bands' weights are scaled.
    public var norm: Norm
    /// What is weaker is raised to so many decibels below the maximum; `nil` for no such limit.
    public var range: Double?
    /// What a level is.
    public var logarithm: Logarithm
    /// What is beyond the ends of the sound.
    public var edges: Edges
    /// What rows and columns are.
    public var axes: Axes
    /// What is subtracted: one number, or one a band.
    public var mean: [Double]
    /// What is divided by: one number, or one a band.
    public var std: [Double]

    /// Makes a description.
    public init(
      floor: Double = 1e-10, norm: Norm = .slaney, range: Double? = nil,
      logarithm: Logarithm = .decibel, edges: Edges = .reflect, axes: Axes = .framesBands,
      mean: [Double] = [0], std: [Double] = [1]
    ) {
      self.floor = floor
      self.norm = norm
      self.range = range
      self.logarithm = logarithm
      self.edges = edges
      self.axes = axes
      self.mean = mean
      self.std = std
    }

    /// How the bands' weights are scaled.
    public enum Norm: String, Sendable, CaseIterable {
      /// Every band has the area 1 over frequency, librosa's default.
      case slaney
      /// Every band's peak is 1, torchaudio's default.
      case none
    }

    /// What a level is.
    public enum Logarithm: String, Sendable, CaseIterable {
      /// `10 · log10(power)`.
      case decibel
      /// `log(power)`.
      case natural
    }

    /// What is beyond the ends of the sound.
    public enum Edges: String, Sendable, CaseIterable {
      /// The sound itself, mirrored.
      case reflect
      /// Silence.
      case zero
    }

    /// What rows and columns are.
    public enum Axes: String, Sendable, CaseIterable {
      /// Rows are frames, columns bands, the lowest first.
      case framesBands = "frames_bands"
      /// Rows are bands, the lowest first, columns frames.
      case bandsFrames = "bands_frames"
    }
  }

  /// Makes a description of an input that is the numbers of a mel spectrogram.
  ///
  /// - Parameters:
  ///   - sampleRate: In Hz.
  ///   - seconds: The length of what the network looks at at once.
  ///   - fft: The length of the Fourier transform, in samples; even.
  ///   - hop: From one frame to the next, in samples.
  ///   - bands: The number of mel bands.
  ///   - minimum: The lower end of the lowest band, in Hz.
  ///   - maximum: The upper end of the highest band, in Hz.
  ///   - melScale: How frequencies are spaced.
  ///   - frames: The frames that are taken, from the first; `nil` for all that there are.
  ///   - levels: What is done with their powers.
  public init(
    sampleRate: Int, seconds: Double, fft: Int, hop: Int, bands: Int, minimum: Double = 0,
    maximum: Double, melScale: MelScale = .slaney, frames: Int? = nil, levels: Levels
  ) {
    // What makes no sense is refused by the validation.
    let samples = seconds * Double(sampleRate)
    let all = samples < 1e9 && samples > 0 && hop > 0 ? 1 + Int(samples.rounded()) / hop : 1
    let count = frames ?? all
    let isUpright = levels.axes == .bandsFrames
    self.init(
      sampleRate: sampleRate, seconds: seconds, fft: fft, hop: hop, bands: bands, minimum: minimum,
      maximum: maximum, melScale: melScale, range: levels.range ?? 80, orientation: .lowAtTop,
      image: .init(
        height: isUpright ? bands : count, width: isUpright ? count : bands, resize: .nearest,
        channels: .grey, channelCount: 1, scale: 1, mean: [0], std: [1]))
    self.levels = levels
  }

  /// The frames of a window that the network is given.
  public var frames: Int {
    switch levels?.axes {
    case .framesBands: image.height
    case .bandsFrames: image.width
    case nil: 1 + Int((seconds * Double(sampleRate)).rounded()) / hop
    }
  }
}
