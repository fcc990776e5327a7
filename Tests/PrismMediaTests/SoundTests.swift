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

@Suite("Sound")
struct SoundTests {
  static let signal = try? ArrayFile.tensor(contentsOf: Fixtures.folder + "sound.npy").scalars

  static func array(_ name: String) throws -> Tensor {
    try ArrayFile.tensor(contentsOf: Fixtures.folder + name + ".npy")
  }

  // MARK: - Files

  /// The noise of each encoding: half a step and dither of integers, what lossy codecs leave out.
  @Test(
    "every format decodes and is mixed to one channel",
    arguments: [
      ("16.wav", 4e-5), ("24.wav", 1e-6), ("float.wav", 1e-7), ("u8.wav", 8e-3),
      ("mulaw.wav", 1e-2), ("16.flac", 4e-5), ("vorbis.ogg", 3e-2),
    ])
  func decoding(name: String, tolerance: Float) throws {
    let expected = try Self.array("sound-mixed").scalars
    let sound = try Sound(contentsOf: Fixtures.folder + "sound-" + name)
    #expect(sound.rate == 16000)
    try #require(sound.samples.count == expected.count)
    #expect(zip(sound.samples, expected).map { abs($0 - $1) }.max() ?? 1 <= tolerance)
  }

  @Test("MP3 decodes, whose encoder adds silence")
  func mp3() throws {
    let expected = try Self.array("sound-mixed").scalars
    let sound = try Sound(contentsOf: Fixtures.folder + "sound-layer3.mp3")
    #expect(sound.rate == 16000)
    // The best shift explains almost all of the signal in its middle.
    let middle = 600..<1800
    let errors = (-1200...1200).map { shift -> Double in
      middle.reduce(0) { sum, i in
        let j = i + shift
        let other = j >= 0 && j < sound.samples.count ? sound.samples[j] : 0
        return sum + Double((expected[i] - other) * (expected[i] - other))
      }
    }
    let power = middle.reduce(0) { $0 + Double(expected[$1] * expected[$1]) }
    #expect(try #require(errors.min()) < 0.01 * power)
  }

  @Test(
    "bad files are one error each",
    arguments: [
      ("text.wav", "not a sound in a known format"), ("empty.wav", "holds no sound"),
      ("nan.wav", "not finite"), ("missing.wav", "no such file"),
    ])
  func badFiles(name: String, reason: String) {
    let path = Fixtures.folder + "sound-" + name
    let error = #expect(throws: SoundError.self) { try Sound(contentsOf: path) }
    #expect(error?.description.hasPrefix(path) == true)
    #expect(error?.description.contains(reason) == true)
  }

  @Test(
    "a file that is cut off or changed anywhere never traps",
    arguments: [
      "16.wav", "16.flac", "vorbis.ogg", "layer3.mp3",
    ])
  func damage(name: String) throws {
    let bytes = try Fixtures.bytes("sound-" + name)
    var random = SplitMix(state: 5)
    for _ in 0..<60 {
      var damaged = Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &random)))
      for _ in 0..<Int.random(in: 0...4, using: &random) where !damaged.isEmpty {
        damaged[Int.random(in: damaged.indices, using: &random)] = .random(
          in: 0...255, using: &random)
      }
      do throws(SoundError) {
        let sound = try Sound(decoding: damaged)
        #expect(!sound.samples.isEmpty && sound.samples.allSatisfy(\.isFinite))
      } catch {
        #expect(!error.description.isEmpty)
      }
    }
  }

  @Test("a limit of samples is kept")
  func limit() {
    #expect(throws: SoundError.tooLong("a", frames: 2400, limit: 1000)) {
      try Sound(
        decoding: Fixtures.bytes("sound-16.wav"), name: "a",
        options: SoundOptions(limits: Limits([.samples: 1000]))
      )
    }
  }

  @Test("what is written is read again, and clipped at full scale")
  func writing() throws {
    let scratch = Scratch()
    let path = scratch.path + "/a.wav"
    try Sound(rate: 8000, samples: [0, 0.5, -0.25, 2, -2, 1 / 32768]).write(to: path)
    let sound = try Sound(contentsOf: path)
    #expect(sound.rate == 8000)
    #expect(sound.samples == [0, 0.5, -0.25, 32767 / 32768, -1, 1 / 32768])
    #expect(scratch.names == ["a.wav"])
  }

  // MARK: - Resampling

  @Test(
    "agrees with scipy",
    arguments: [
      (44100, 8000), (22050, 8000), (16000, 8000), (8000, 16000), (8000, 11025), (8000, 22050),
    ])
  func resampling(from: Int, to: Int) throws {
    let signal = try #require(Self.signal)
    let expected = try Self.array("sound-resampled-\(from)-\(to)")
    let sound = try Sound(rate: from, samples: Array(signal.prefix(1500))).resampled(to: to)
    #expect(sound.rate == to)
    // Sums of at most 720 products in single precision, whose magnitudes add to less than 4.
    expectClose(Tensor([sound.samples.count], sound.samples), expected, tolerance: 3e-6)
  }

  @Test(
    "a tone above half the new rate is gone, one below stays", arguments: [(5000, 0), (3000, 1)])
  func aliasing(frequency: Int, gain: Double) throws {
    let samples = (0..<44100).map { i in
      Float(sin(2 * Double.pi * Double(frequency * i % 44100) / 44100))
    }
    let result = try Sound(rate: 44100, samples: samples).resampled(to: 8000).samples
    #expect(result.count == 8000)
    let middle = result[1000..<7000]
    let power = middle.reduce(0) { $0 + Double($1 * $1) } / Double(middle.count)
    // −80 dB of a power of one half; in the pass band the response may ripple by 1e-5.
    #expect(abs(power - gain / 2) < (gain == 0 ? 5e-9 : 1e-5))
  }

  // MARK: - Spectrograms

  @Test("mel spectrograms agree with librosa", arguments: Fixtures.lines("sound-mel.txt"))
  func melSpectrogram(fields: [String]) throws {
    let signal = try #require(Self.signal)
    try #require(fields.count == 8)
    let numbers = try fields[1...6].map { try #require(Int($0)) }
    let spectrogram = try MelSpectrogram(
      rate: numbers[0], fft: numbers[1], hop: numbers[2], bands: numbers[3],
      minimum: Double(numbers[4]), maximum: Double(numbers[5]),
      scale: try #require(MelScale(rawValue: fields[7])))
    let power = try spectrogram(signal)
    expectClose(power, try Self.array(fields[0]), tolerance: 1e-5)
    let decibels = MelSpectrogram.decibels(power)
    let expected = try Self.array(fields[0] + "-db")
    try #require(decibels.shape == expected.shape)
    #expect((decibels - expected).map(abs).maximum <= 1e-3)
  }

  @Test("there are spectrograms of several kinds")
  func coverage() { #expect(Fixtures.lines("sound-mel.txt").count == 5) }

  @Test("a spectrum without its lowest bins gives librosa's sound")
  func inverse() throws {
    let signal = try #require(Self.signal)
    var spectrum = try ShortTimeFourierTransform(count: 512, hop: 128)(signal)
    for frame in 0..<spectrum.frames {
      for bin in 0..<40 { spectrum.values[frame * 257 + bin] = .zero }
    }
    let result = try spectrum.inverse()
    expectClose(
      Tensor([result.count], result), try Self.array("sound-inverse"), tolerance: 1e-6)
  }

  @Test("the way there and back is the identity", arguments: [(512, 128), (400, 100), (64, 32)])
  func roundTrip(count: Int, hop: Int) throws {
    let signal = try #require(Self.signal)
    let result = try ShortTimeFourierTransform(count: count, hop: hop)(signal).inverse()
    expectClose(
      Tensor([result.count], result), Tensor([signal.count], signal), tolerance: 1e-6)
  }

  @Test("places on the mel scale lead back to their frequencies", arguments: MelScale.allCases)
  func scale(_ scale: MelScale) {
    for hertz in stride(from: 0.0, to: 20000, by: 137) {
      #expect(abs(scale.hertz(scale.mel(hertz)) - hertz) < 1e-8 * max(1, hertz))
    }
    #expect(abs(MelScale.slaney.mel(1000) - 15) < 1e-12)
    #expect(abs(MelScale.htk.mel(1000) - 999.9855) < 1e-4)
  }

  @Test(
    "impossible parameters are errors", arguments: [(511, 100, 40), (512, 0, 40), (512, 128, 0)])
  func parameters(fft: Int, hop: Int, bands: Int) {
    #expect(throws: SpectrogramError.self) {
      try MelSpectrogram(rate: 8000, fft: fft, hop: hop, bands: bands)
    }
  }

  @Test("threads that plan and transform at once get the same bits")
  func threads() async throws {
    let signal = try #require(Self.signal)
    let expected = try MelSpectrogram(rate: 8000, fft: 500, hop: 125)(signal)
    try await withThrowingTaskGroup(of: Tensor.self) { group in
      for _ in 0..<16 {
        group.addTask { try MelSpectrogram(rate: 8000, fft: 500, hop: 125)(signal) }
      }
      for try await result in group { #expect(result.scalars == expected.scalars) }
    }
  }
}
