internal import CNettle

/// The SHA-256 digest (FIPS 180-4), by the nettle library.
public struct SHA256: Sendable {
  private var context = sha256_ctx()

  /// Begins a digest.
  public init() { nettle_sha256_init(&context) }

  /// Adds bytes.
  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    nettle_sha256_update(
      &context, bytes.count, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
  }

  /// The digest of all bytes in 64 hexadecimal digits; begins anew.
  public mutating func hexadecimalDigest() -> String {
    let digest = [UInt8](unsafeUninitializedCapacity: Int(SHA256_DIGEST_SIZE)) { target, count in
      nettle_sha256_digest(&context, target.count, target.baseAddress)
      count = target.count
    }
    let digits = Array("0123456789abcdef".utf8)
    let text = digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    return String(decoding: text, as: UTF8.self)
  }

  /// The digest of some bytes in 64 hexadecimal digits.
  public static func hexadecimalDigest(of bytes: [UInt8]) -> String {
    var digest = SHA256()
    bytes.withUnsafeBytes { digest.update($0) }
    return digest.hexadecimalDigest()
  }
}
