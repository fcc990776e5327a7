import PrismTensor
import Testing

@testable import PrismWeights

@Suite("numbers")
struct NumberTests {
  @Test("all 65536 half-precision patterns are widened exactly")
  func widening() {
    let halves = (0...UInt16.max).map(\.self)
    var floats = [Float](repeating: 0, count: halves.count)
    halves.withUnsafeBytes { source in
      floats.withUnsafeMutableBufferPointer { target in
        guard let from = source.baseAddress, let to = target.baseAddress else { return }
        FloatConversion.widen(from, to: to, count: halves.count)
      }
    }
    for half in halves {
      let magnitude = half & 0x7FFF
      let exponent = Int(magnitude >> 10)
      let fraction = Float(magnitude & 0x3FF)
      let float = floats[Int(half)]
      #expect((float.sign == .minus) == (half >> 15 == 1))
      switch exponent {
      case 0: #expect(abs(float) == fraction * 0x1p-24)
      case 31 where fraction == 0: #expect(abs(float) == .infinity)
      case 31: #expect(float.isNaN)
      default:
        #expect(
          abs(float) == (1 + fraction / 1024)
            * Float(sign: .plus, exponent: exponent - 15, significand: 1))
      }
      if exponent < 31 { #expect(FloatConversion.narrowed(float) == half) }
    }
  }

  @Test("any count and any alignment are widened", arguments: 0..<40)
  func widenedCounts(_ count: Int) {
    let source: [UInt8] = (0..<(2 * count + 1)).map { UInt8(truncatingIfNeeded: $0 &* 37) & 0x7B }
    var target = [Float](repeating: -1, count: count + 1)
    source.withUnsafeBytes { bytes in
      target.withUnsafeMutableBufferPointer { floats in
        guard let from = bytes.baseAddress, let to = floats.baseAddress else { return }
        FloatConversion.widen(from + 1, to: to, count: count)
      }
    }
    for i in 0..<count {
      let half = UInt16(source[2 * i + 1]) | UInt16(source[2 * i + 2]) << 8
      #expect(target[i] == Float(Float16(bitPattern: half)))
    }
    #expect(target[count] == -1)
  }

  @Test("narrowing rounds to the nearest, ties to even, and refuses what overflows")
  func narrowing() {
    var random = SeededRandom(seed: 3)
    for _ in 0..<200_000 {
      let value = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
      let reference = Float16(value)
      if reference.isFinite {
        #expect(FloatConversion.narrowed(value) == reference.bitPattern)
      } else {
        #expect(FloatConversion.narrowed(value) == nil)
      }
    }
    // Every midpoint between neighbours, and its own neighbours.
    for half in UInt16(0)..<0x7C00 {
      let low = Float(Float16(bitPattern: half))
      let high = half == 0x7BFF ? 65536 : Float(Float16(bitPattern: half + 1))
      let middle = (low + high) / 2
      for value in [middle.nextDown, middle, middle.nextUp] {
        let reference = Float16(value)
        #expect(
          FloatConversion.narrowed(value) == (reference.isFinite ? reference.bitPattern : nil))
      }
    }
  }

  @Test("the first number that is not finite is found wherever it is")
  func scan() {
    for count in [0, 1, 15, 16, 63, 64, 65, 200] {
      let floats = [Float](repeating: -.greatestFiniteMagnitude, count: count)
      #expect(first(floats) == nil)
      for place in 0..<count {
        var spoiled = floats
        spoiled[place] = place % 2 == 0 ? .nan : -.infinity
        spoiled[count - 1] = .infinity
        #expect(first(spoiled) == place)
      }
    }
  }

  private func first(_ floats: [Float]) -> Int? {
    // An odd address: tensors in a file may lie anywhere.
    let bytes = [0] + littleEndian(floats)
    return bytes.withUnsafeBytes { buffer in
      buffer.baseAddress.flatMap { FloatConversion.firstNonFinite($0 + 1, count: floats.count) }
    }
  }

  @Test(
    "SHA-256 gives the digests of FIPS 180-4",
    arguments: [
      ("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
      ("a", 1_000_000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ])
  func digests(_ text: String, _ repetitions: Int, _ digest: String) {
    let bytes = Array(String(repeating: text, count: repetitions).utf8)
    #expect(MappedFile(copying: bytes, path: "text").sha256 == digest)
  }
}
