/// The SHA-256 hash function (FIPS 180-4), fed in pieces of any size.
struct SHA256 {
  private var state: [UInt32] = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a,
    0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
  ]
  private var pending: [UInt8] = []
  private var length: UInt64 = 0

  /// The digest of all bytes, in hexadecimal digits.
  static func hexadecimalDigest(of bytes: UnsafeRawBufferPointer) -> String {
    var hash = SHA256()
    hash.update(bytes)
    return hash.finalize().map { byte in
      let digits = String(byte, radix: 16)
      return digits.count == 1 ? "0" + digits : digits
    }.joined()
  }

  /// Adds bytes to the message.
  mutating func update(_ bytes: UnsafeRawBufferPointer) {
    length &+= UInt64(bytes.count)
    var rest = bytes[...]
    if !pending.isEmpty {
      let taken = rest.prefix(64 - pending.count)
      pending.append(contentsOf: taken)
      rest = rest.dropFirst(taken.count)
      guard pending.count == 64 else { return }
      pending.withUnsafeBytes { Self.compress(&state, $0) }
      pending.removeAll(keepingCapacity: true)
    }
    let whole = rest.count / 64 * 64
    Self.compress(&state, UnsafeRawBufferPointer(rebasing: rest.prefix(whole)))
    pending.append(contentsOf: rest.dropFirst(whole))
  }

  /// Ends the message and gives its digest of 32 bytes.
  consuming func finalize() -> [UInt8] {
    var tail = pending
    tail.append(0x80)
    while tail.count % 64 != 56 { tail.append(0) }
    for shift in stride(from: 56, through: 0, by: -8) {
      tail.append(UInt8(truncatingIfNeeded: (length &* 8) >> UInt64(shift)))
    }
    tail.withUnsafeBytes { Self.compress(&state, $0) }
    return state.flatMap { word in
      [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> UInt32($0)) }
    }
  }

  /// Blocks whose schedules are computed together, one to a lane.
  private typealias Lanes = SIMD4<UInt32>

  /// Takes whole blocks of 64 bytes into the state.
  private static func compress(_ state: inout [UInt32], _ blocks: UnsafeRawBufferPointer) {
    guard let base = blocks.baseAddress else { return }
    let count = blocks.count / 64
    // Only the rounds of one block depend on the block before. The message schedules do not, so four of
    // them are computed side by side, which leaves the scalar units to the rounds.
    withUnsafeTemporaryAllocation(of: Lanes.self, capacity: 64) { schedule in
      guard let w = schedule.baseAddress else { return }
      var first = 0
      while first < count {
        let lanes = min(4, count - first)
        let block = base + first * 64
        for t in 0..<16 {
          var word = Lanes()
          for lane in 0..<4 {
            let source = block + min(lane, lanes - 1) * 64 + t * 4
            word[lane] = UInt32(bigEndian: source.loadUnaligned(as: UInt32.self))
          }
          (w + t).initialize(to: word)
        }
        for t in 16..<64 {
          let x = w[t - 15]
          let y = w[t - 2]
          let s0 = rotated(x, 7) ^ rotated(x, 18) ^ (x &>> 3)
          let s1 = rotated(y, 17) ^ rotated(y, 19) ^ (y &>> 10)
          (w + t).initialize(to: w[t - 16] &+ s0 &+ w[t - 7] &+ s1)
        }
        for t in 0..<64 { w[t] &+= Lanes(repeating: constants[t]) }
        let words = UnsafeRawPointer(w)
        for lane in 0..<lanes { rounds(&state, words + lane * 4) }
        first += lanes
      }
    }
  }

  /// The 64 rounds of one block, whose words lie 16 bytes apart.
  private static func rounds(_ state: inout [UInt32], _ words: UnsafeRawPointer) {
    var a = state[0], b = state[1], c = state[2], d = state[3]
    var e = state[4], f = state[5], g = state[6], h = state[7]
    func round(
      _ a: UInt32, _ b: UInt32, _ c: UInt32, _ d: inout UInt32, _ e: UInt32, _ f: UInt32,
      _ g: UInt32, _ h: inout UInt32, _ t: Int
    ) {
      let word = words.load(fromByteOffset: t &* 16, as: UInt32.self)
      let s1 = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)
      let t1 = h &+ word &+ s1 &+ (g ^ (e & (f ^ g)))
      let s0 = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)
      d = d &+ t1
      h = t1 &+ s0 &+ ((a & b) | (c & (a | b)))
    }
    var t = 0
    while t < 64 {
      round(a, b, c, &d, e, f, g, &h, t)
      round(h, a, b, &c, d, e, f, &g, t &+ 1)
      round(g, h, a, &b, c, d, e, &f, t &+ 2)
      round(f, g, h, &a, b, c, d, &e, t &+ 3)
      round(e, f, g, &h, a, b, c, &d, t &+ 4)
      round(d, e, f, &g, h, a, b, &c, t &+ 5)
      round(c, d, e, &f, g, h, a, &b, t &+ 6)
      round(b, c, d, &e, f, g, h, &a, t &+ 7)
      t &+= 8
    }
    state[0] &+= a
    state[1] &+= b
    state[2] &+= c
    state[3] &+= d
    state[4] &+= e
    state[5] &+= f
    state[6] &+= g
    state[7] &+= h
  }

  @inline(__always)
  private static func rotated(_ x: UInt32, _ n: UInt32) -> UInt32 { (x &>> n) | (x &<< (32 &- n)) }

  @inline(__always)
  private static func rotated(_ x: Lanes, _ n: UInt32) -> Lanes {
    (x &>> Lanes(repeating: n)) | (x &<< Lanes(repeating: 32 &- n))
  }

  // The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
  private static let constants: [UInt32] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4,
    0xab1c_5ed5, 0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe,
    0x9bdc_06a7, 0xc19b_f174, 0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f,
    0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da, 0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7,
    0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967, 0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc,
    0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85, 0xa2bf_e8a1, 0xa81a_664b,
    0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070, 0x19a4_c116,
    0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7,
    0xc671_78f2,
  ]
}
