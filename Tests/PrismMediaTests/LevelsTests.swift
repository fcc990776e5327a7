import PrismCard
import PrismTensor
import PrismTestSupport
import Testing

@testable import PrismMedia

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite("levels of a mel spectrogram as the input")
struct LevelsTests {
  private typealias Levels = ModelCard.AudioInput.Levels

  /// A rule of few numbers: 25 frames of 8 bands.
  private static func input(_ levels: Levels, frames: Int? = nil) -> ModelCard.AudioInput {
    ModelCard.AudioInput(
      sampleRate: 1000, seconds: 0.4, fft: 64, hop: 16, bands: 8, minimum: 20, maximum: 450,
      melScale: .htk, frames: frames, levels: levels)
  }

  private static let sound: Sound = {
    let random = CounterRandom(name: "levels")
    return Sound(
      exactly: 1000,
      samples: (0..<400).map { i in
        Float(0.3 * sin(Double(i) * 0.7) + 0.2 * (random.uniform(i) - 0.5))
      }, name: "test")
  }()

  /// The level of a band in a frame by the definitions: a sum over a window, a sum over bins.
  private static func level(_ input: ModelCard.AudioInput, _ frame: Int, _ band: Int) -> Double {
    let samples = sound.samples.map(Double.init)
    let count = input.fft
    let mirrors = input.levels?.edges == .reflect
    let window = (0..<count).map { i -> Double in
      var place = frame * input.hop - count / 2 + i
      if mirrors {
        if place < 0 { place = -place }
        if place >= samples.count { place = 2 * (samples.count - 1) - place }
      }
      let hann = 0.5 - 0.5 * cos(2 * Double.pi * Double(i) / Double(count))
      return samples.indices.contains(place) ? samples[place] * hann : 0
    }
    func mel(_ hertz: Double) -> Double { 2595 * log10(1 + hertz / 700) }
    let (low, high) = (mel(input.minimum), mel(input.maximum))
    func edge(_ i: Int) -> Double {
      700 * (pow(10, (low + (high - low) * Double(i) / Double(input.bands + 1)) / 2595) - 1)
    }
    var power = 0.0
    for bin in 0...count / 2 {
      let frequency = Double(bin) * Double(input.sampleRate) / Double(count)
      let (a, b, c) = (edge(band), edge(band + 1), edge(band + 2))
      var weight = max(0, min((frequency - a) / (b - a), (c - frequency) / (c - b)))
      if input.levels?.norm == .slaney { weight *= 2 / (c - a) }
      var (x, y) = (0.0, 0.0)
      for (i, value) in window.enumerated() {
        let angle = 2 * Double.pi * Double(bin * i) / Double(count)
        x += value * cos(angle)
        y += value * sin(angle)
      }
      power += weight * (x * x + y * y)
    }
    let held = max(power, input.levels?.floor ?? 0)
    return input.levels?.logarithm == .natural ? log(held) : 10 * log10(held)
  }

  @Test("levels are those of the definition, in every arrangement", arguments: 0..<16)
  func definition(_ choice: Int) throws {
    let mean = (0..<8).map { Double($0) - 20 }
    let std = (0..<8).map { 1 + Double($0) / 4 }
    let levels = Levels(
      norm: choice & 1 == 0 ? .slaney : .none, logarithm: choice & 2 == 0 ? .decibel : .natural,
      edges: choice & 4 == 0 ? .reflect : .zero,
      axes: choice & 8 == 0 ? .framesBands : .bandsFrames, mean: mean, std: std)
    let input = Self.input(levels)
    let rule = try AudioPreparation(input)
    let tensor = try rule.tensor(of: Self.sound)
    let isUpright = levels.axes == .bandsFrames
    #expect(tensor.shape == (isUpright ? [1, 8, 26, 1] : [1, 26, 8, 1]))
    for frame in [0, 1, 12, 24, 25] {
      for band in 0..<8 {
        let found = isUpright ? tensor[0, band, frame, 0] : tensor[0, frame, band, 0]
        let expected = (Self.level(input, frame, band) - mean[band]) / std[band]
        #expect(abs(Double(found) - expected) < 1e-4, "frame \(frame), band \(band)")
      }
    }
  }

  @Test("what is far below the maximum is raised, and frames are cut off at the end")
  func range() throws {
    let input = Self.input(Levels(range: 12), frames: 20)
    let tensor = try AudioPreparation(input).tensor(of: Self.sound)
    #expect(tensor.shape == [1, 20, 8, 1])
    let all = try AudioPreparation(Self.input(Levels())).tensor(of: Self.sound)
    let least = all.maximum - 12
    for frame in 0..<20 {
      for band in 0..<8 {
        #expect(abs(tensor[0, frame, band, 0] - max(all[0, frame, band, 0], least)) < 1e-4)
      }
    }
  }

  @Test("levels are those that torchlibrosa gives PANNs' networks")
  func torchlibrosa() throws {
    let input = ModelCard.AudioInput(
      sampleRate: 8000, seconds: 0.4, fft: 256, hop: 80, bands: 64, minimum: 50, maximum: 4000,
      melScale: .slaney, frames: nil, levels: Levels())
    let samples = try #require(SoundTests.signal)
    let sound = Sound(exactly: 8000, samples: Array(samples[..<3200]), name: "sound.npy")
    let expected = try ArrayFile.tensor(contentsOf: Fixtures.folder + "levels-panns.npy")
    let found = try AudioPreparation(input).tensor(of: sound)
    #expect(found.shape == [1, 41, 64, 1] && expected.shape == [41, 64])
    // Decibels; its transform, of single precision, is within 1e-4 of that of double.
    #expect((found.reshaped(to: [41, 64]) - expected).map(abs).maximum < 1e-3)
  }

  @Test("maps of frames by bands stand upright for people, and back")
  func upright() throws {
    let rule = try AudioPreparation(Self.input(Levels()))
    let map = Tensor([26, 8], (0..<26 * 8).map(Float.init))
    let shown = rule.upright(map)
    #expect(shown.shape == [8, 26])
    // The lowest band of the third frame is at the lower edge, in the third column.
    #expect(shown[7, 2] == map[2, 0] && shown[0, 25] == map[25, 7])
    #expect(rule.turned(shown) == map)
    let picture = rule.upright(try rule.picture(of: Self.sound))
    #expect(picture.width == 26 && picture.height == 8)
    let (input, pixels) = try rule.prepared(Self.sound)
    #expect(input.shape == [1, 26, 8, 1] && pixels.width == 8 && pixels.height == 26)
    // The brightest place is where the level is the largest.
    let level = input.scalars
    let brightest = level.indices.max { level[$0] < level[$1] } ?? 0
    #expect(pixels.pixels[3 * brightest] == 255)
    #expect(rule.black[0] < level.min() ?? 0)
  }

  @Test("the card is the same after it was written and read")
  func card() throws {
    var card = ModelCard.example()
    card.input = .audio(
      Self.input(Levels(norm: .none, range: 80, mean: [-4], std: [2]), frames: 20))
    #expect(try ModelCard(json: card.json, file: "test") == card)
    #expect(card.input.image.height == 20 && card.input.image.channelCount == 1)
    for (old, new, field) in [
      ("\"frames\":20", "\"frames\":27", "input.frames"),
      ("\"frames\":20", "\"frames\":0", "input.height"),
      ("\"std\":[2.0]", "\"std\":[2,3]", "input.std"),
      ("\"std\":[2.0]", "\"std\":[0]", "input.std[0]"),
      ("\"power_floor\":1e-10", "\"power_floor\":0", "input.power_floor"),
      ("\"edges\":\"reflect\"", "\"edges\":\"wrap\"", "input.edges"),
    ] {
      let json = card.json.replacing(old, with: new)
      #expect(json != card.json, "\(old)")
      let error = #expect(throws: CardError.self) { try ModelCard(json: json, file: "test") }
      #expect("\(error.map { "\($0)" } ?? "")".contains(field), "\(old)")
    }
  }
}

@Suite("pictures for networks of one and of four channels")
struct ChannelCountTests {
  private let image = Image(
    width: 2, height: 1, exactly: [10, 200, 30, 255, 0, 128])

  private func input(
    _ channels: ModelCard.Channels, _ count: Int, mean: [Double], std: [Double]
  ) -> ModelCard.ImageInput {
    ModelCard.ImageInput(
      height: 1, width: 2, resize: .bilinear, channels: channels, channelCount: count, scale: 0.5,
      mean: mean, std: std)
  }

  @Test("one channel is the brightness")
  func grey() {
    let rule = input(.grey, 1, mean: [3], std: [2])
    let tensor = rule.tensor(of: image)
    // 0.299 R + 0.587 G + 0.114 B: 123.81 and 90.837, rounded.
    #expect(tensor == Tensor([1, 1, 2, 1], [(124 * 0.5 - 3) / 2, (91 * 0.5 - 3) / 2]))
    #expect(rule.black == [-1.5] && rule.white == [(255 * 0.5 - 3) / 2])
  }

  @Test("the fourth channel is opaque")
  func opacity() {
    let rule = input(.rgba, 4, mean: [0, 0, 0, 1], std: [1, 1, 1, 2])
    let opaque: Float = (255 * 0.5 - 1) / 2
    #expect(
      rule.tensor(of: image)
        == Tensor([1, 1, 2, 4], [5, 100, 15, opaque, 127.5, 0, 64, opaque]))
    #expect(rule.black == [0, 0, 0, opaque] && rule.white[3] == opaque)
  }
}
