import PrismFiles
import PrismTensor
import PrismTestSupport
import Testing

@testable import PrismMedia

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite("the signal check")
struct SignalCheckTests {
  private static let rate = 16000
  private static let count = 2 * rate

  private static func noise(_ amplitude: Float) -> [Float] {
    var random = SplitMix(state: 3)
    return (0..<count).map { _ in amplitude * Float.random(in: -1...1, using: &random) }
  }

  private static func tone(_ hertz: Double, amplitude: Double = 0.3) -> [Float] {
    (0..<count).map {
      Float(amplitude * sin(2 * Double.pi * hertz * Double($0) / Double(rate)))
    }
  }

  private func check(_ samples: [Float]) throws -> SignalCheck {
    try SignalCheck(Sound(rate: Self.rate, samples: samples))
  }

  @Test(
    "voices have nothing that is worth a warning", arguments: ["voice-real", "voice-synthetic"])
  func voices(name: String) throws {
    let sound = try Sound(contentsOf: Repository.samples + "\(name).wav")
    let check = try SignalCheck(sound)
    #expect(check.warnings(highest: 4000) == [], "\(check)")
    #expect(check.voiced > 0.3)
  }

  @Test("white noise is told, loud or soft", arguments: [0.3, 0.01] as [Float])
  func noise(amplitude: Float) throws {
    let check = try check(Self.noise(amplitude))
    // e to the power of −γ, with the Hann window.
    #expect(abs(check.flatness - 0.56) < 0.02)
    #expect(check.warnings(highest: 8000).contains { $0.contains("like noise") })
    #expect(check.warnings(highest: 8000).contains { $0.contains("hardly any voice") })
    // The mean square of a uniform distribution is a third of that of its ends.
    #expect(abs(check.level - 20 * log10(Double(amplitude) / 3.0.squareRoot())) < 0.1)
  }

  @Test(
    "a tone is told with its frequency",
    arguments: [(110.0, "110 Hz"), (440, "440 Hz"), (3000, "3000 Hz")])
  func tone(hertz: Double, text: String) throws {
    let lines = try check(Self.tone(hertz)).warnings(highest: 8000)
    #expect(lines == ["it is one tone of \(text), not a voice"])
  }

  @Test("near silence is told")
  func nearSilence() throws {
    let lines = try check(Self.noise(0.0005)).warnings(highest: 8000)
    #expect(lines.first?.hasPrefix("it is nearly silent") == true && lines[0].contains("71 dB"))
  }

  @Test("a hum with harmonics has always the same level")
  func hum() throws {
    let parts = [120.0, 240, 360, 480, 600].map { Self.tone($0, amplitude: 0.1) }
    let samples = parts[0].indices.map { i in parts.reduce(Float(0)) { $0 + $1[i] } }
    #expect(try check(samples).warnings(highest: 1000).contains { $0.contains("always the same") })
  }

  @Test("clipping is told, a loud sound is not")
  func clipping() throws {
    let voice = try Sound(contentsOf: Repository.samples + "voice-real.wav")
    let peak = try SignalCheck(voice).peak
    let clipped = voice.samples.map { max(-1, min(1, $0 * 4 / Float(peak))) }
    let loud = voice.samples.map { $0 * 0.99 / Float(peak) }
    func lines(_ samples: [Float]) throws -> [String] {
      try SignalCheck(Sound(rate: voice.rate, samples: samples)).warnings(highest: 4000)
    }
    #expect(try lines(clipped).contains { $0.contains("clipped") })
    #expect(try lines(loud) == [])
  }

  @Test("a voice that a narrow line carried is told")
  func bandwidth() throws {
    let voice = try Sound(contentsOf: Repository.samples + "voice-real.wav")
    let narrow = try voice.resampled(to: 4000).resampled(to: 16000)
    let check = try SignalCheck(narrow)
    #expect((1700...2100).contains(check.bandwidth), "\(check.bandwidth)")
    #expect(check.warnings(highest: 8000).contains { $0.hasPrefix("it has nothing above") })
  }

  @Test(
    "short sounds and low rates are looked at, too",
    arguments: [(1000, 3), (8000, 50), (192_000, 2000)])
  func small(rate: Int, count: Int) throws {
    let check = try SignalCheck(
      Sound(rate: rate, samples: (0..<count).map { $0 % 2 == 0 ? 0.1 : -0.1 }))
    #expect(check.level.isFinite && check.flatness.isFinite && check.purity.isFinite)
  }
}
