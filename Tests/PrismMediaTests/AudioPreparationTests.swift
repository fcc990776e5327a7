import PrismCard
import PrismTensor
import PrismWeights
import Testing

@testable import PrismMedia

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension ModelCard.AudioInput {
  static func example(
    seconds: Double = 0.25, colors: Colors = .grey, orientation: Orientation = .lowAtBottom
  ) -> Self {
    Self(
      sampleRate: 8000, seconds: seconds, fft: 512, hop: 128, bands: 40, minimum: 300,
      maximum: 3400, range: 60, colors: colors, orientation: orientation,
      image: ModelCard.ImageInput(
        height: 40, width: 16, resize: .bilinear, scale: 1 / 127.5, mean: [1, 1, 1],
        std: [1, 1, 1]))
  }
}

@Suite("Audio preparation")
struct AudioPreparationTests {
  private func tone(_ hertz: Int, seconds: Double, rate: Int = 8000) throws -> Sound {
    let count = Int(seconds * Double(rate))
    // A square wave: its fundamental is its strongest part.
    return try Sound(
      rate: rate, samples: (0..<count).map { ($0 * hertz * 2 / rate) % 2 == 0 ? 0.5 : -0.5 })
  }

  @Test(
    "the brightest row is that of the tone's band",
    arguments: [
      ModelCard.AudioInput.Orientation.lowAtBottom, .lowAtTop,
    ])
  func orientation(_ orientation: ModelCard.AudioInput.Orientation) throws {
    let rule = try AudioPreparation(.example(orientation: orientation))
    let picture = try rule.picture(of: tone(500, seconds: 0.25))
    #expect((picture.width, picture.height) == (16, 40))
    let brightest = try #require((0..<40).max { picture[8, $0].red < picture[8, $1].red })
    let band = orientation == .lowAtBottom ? 39 - brightest : brightest
    let edges = rule.spectrogram.edges
    #expect(edges[band] < 500 && 500 < edges[band + 2])
    #expect(picture.pixels.max() == 255)
  }

  @Test("brightness is the level in decibels")
  func brightness() throws {
    let rule = try AudioPreparation(.example())
    let window = try tone(500, seconds: 0.25)
    let decibels = MelSpectrogram.decibels(try rule.spectrogram(window.samples), range: 60)
    let picture = try rule.picture(of: window)
    for band in 0..<40 {
      for frame in 0..<16 {
        let expected = (255 * (1 + decibels[band, frame] / 60)).rounded()
        let pixel = picture[frame, 39 - band]
        #expect(abs(Float(pixel.red) - expected) <= 1 && pixel.red == pixel.blue)
      }
    }
  }

  @Test("a colour map colours what grey shows", arguments: ["viridis", "inferno", "turbo", "jet"])
  func colors(name: String) throws {
    let colors = try #require(ModelCard.AudioInput.Colors(rawValue: name))
    let map = try #require(ColorMap(rawValue: name)).colors
    let window = try tone(700, seconds: 0.25)
    let grey = try AudioPreparation(.example()).picture(of: window)
    let picture = try AudioPreparation(.example(colors: colors)).picture(of: window)
    for y in 0..<40 {
      for x in 0..<16 { #expect(picture[x, y] == map[Int(grey[x, y].red)]) }
    }
  }

  @Test("the input is the card's picture")
  func tensor() throws {
    let rule = try AudioPreparation(.example())
    let window = try tone(500, seconds: 0.25)
    let tensor = try rule.tensor(of: window)
    #expect(tensor.shape == [1, 40, 16, 3])
    #expect(tensor.scalars == rule.input.image.tensor(of: try rule.picture(of: window)).scalars)
    #expect(tensor.maximum == 1)
  }

  @Test("windows overlap by half, and the last ends with the sound")
  func windows() throws {
    let rule = try AudioPreparation(.example())
    let sound = try tone(500, seconds: 0.7)
    let windows = try rule.windows(of: sound)
    #expect(windows.map(\.start) == [0, 0.125, 0.25, 0.375, 0.45])
    for window in windows {
      let first = Int((window.start * 8000).rounded())
      #expect(window.sound.samples == Array(sound.samples[first..<(first + 2000)]))
    }
    #expect(try rule.windows(of: sound, hop: 0.25).map(\.start) == [0, 0.25, 0.45])
    #expect(try rule.windows(of: tone(500, seconds: 0.25)).map(\.start) == [0])
  }

  @Test("a short sound is repeated; other rates are brought to the card's")
  func short() throws {
    let rule = try AudioPreparation(.example())
    let sound = try Sound(rate: 8000, samples: (0..<900).map { Float($0) / 900 })
    let window = try #require(try rule.windows(of: sound).first)
    #expect(window.sound.samples == (0..<2000).map { sound.samples[$0 % 900] })
    let other = try rule.windows(of: tone(500, seconds: 0.5, rate: 44100), hop: 0.25)
    #expect(other.map(\.sound.samples.count) == [2000, 2000])
    #expect(other.allSatisfy { $0.sound.rate == 8000 })
  }

  @Test(
    "what is too short or silent is an error",
    arguments: [("10ms.wav", "lasts 10 ms; give at least 100 ms"), ("silent.wav", "is silent")])
  func nothing(name: String, reason: String) throws {
    let sound = try Sound(contentsOf: Fixtures.folder + "sound-" + name)
    let error = #expect(throws: SoundError.self) {
      try AudioPreparation(.example()).windows(of: sound)
    }
    #expect(error?.description.contains(reason) == true)
  }

  @Test("places of the picture have the times and frequencies of their bands and frames")
  func places() throws {
    let rule = try AudioPreparation(.example())
    for band in [0, 7, 39] {
      let middle = rule.frequency(at: (Double(band) + 0.5) / 40)
      #expect(abs(middle - rule.spectrogram.edges[band + 1]) < 1e-9)
    }
    #expect(abs(rule.time(at: 8.5 / 16) - 8 * 128 / 8000.0) < 1e-12)
    #expect(rule.time(at: 0) == 0 && rule.time(at: 1) <= 0.25)
  }

  @Test("a mask around one of two tones keeps that tone and removes it from the rest")
  func division() throws {
    let rule = try AudioPreparation(.example())
    func wave(_ hertz: Double) -> [Float] {
      (0..<2000).map { Float(0.3 * sin(2 * Double.pi * hertz * Double($0) / 8000)) }
    }
    let (low, high) = (wave(500), wave(2500))
    let window = try Sound(rate: 8000, samples: zip(low, high).map { $0 + $1 })
    // The lower half of the picture, which ends between the tones.
    #expect((700.0...2000).contains(rule.frequency(at: 0.5)))
    let mask = Tensor([40, 16], (0..<640).map { $0 < 320 ? 0 : 1 })
    let (inside, outside) = try rule.divided(window, by: mask)
    for (part, tone) in [(inside, low), (outside, high)] {
      let error = (200..<1800).map { abs(part.samples[$0] - tone[$0]) }.max() ?? 1
      #expect(error < 0.003)
    }
    for i in 0..<2000 {
      #expect(abs(inside.samples[i] + outside.samples[i] - window.samples[i]) < 1e-6)
    }
  }
}
