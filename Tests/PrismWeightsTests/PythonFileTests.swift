import PrismCard
import PrismTensor
import PrismWeights
import Testing

/// Files made by the reference implementation with `Tools/fixtures/safetensors_files.py`.
@Suite("files made by Python's safetensors")
struct PythonFileTests {
  private static let mixed = """
    70010000000000007b225f5f6d657461646174615f5f223a7b226e6f7465223a2261205c2271756f7465645c225c6e6c
    696e65222c22666f726d6174223a227074227d2c22636f756e74223a7b226474797065223a22493634222c2273686170
    65223a5b5d2c22646174615f6f666673657473223a5b302c385d7d2c2266656174757265732e302e776569676874223a
    7b226474797065223a22463332222c227368617065223a5b322c332c325d2c22646174615f6f666673657473223a5b38
    2c35365d7d2c226772c3b6c39f65223a7b226474797065223a22463332222c227368617065223a5b325d2c2264617461
    5f6f666673657473223a5b35362c36345d7d2c227363616c6172223a7b226474797065223a22463332222c2273686170
    65223a5b5d2c22646174615f6f666673657473223a5b36342c36385d7d2c2268616c66223a7b226474797065223a2246
    3136222c227368617065223a5b345d2c22646174615f6f666673657473223a5b36382c37365d7d7d0700000000000000
    0000c0bf0000a0bf000080bf000040bf000000bf000080be000000000000803e0000003f0000403f0000803f0000a03f
    0000803f0000004000002040003800bdff7b0100
    """
  private static let none = "08000000000000007b7d202020202020"

  private func bytes(_ text: String) -> [UInt8] {
    let digits = text.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
  }

  @Test("every tensor and all metadata are read")
  func mixedTypes() throws {
    let file = try opened(bytes(Self.mixed))
    #expect(file.metadata == ["format": "pt", "note": "a \"quoted\"\nline"])
    #expect(
      file.entries.map(\.name) == ["count", "features.0.weight", "größe", "scalar", "half"])
    #expect(
      try file.tensor("features.0.weight")
        == Tensor([2, 3, 2], (-6..<6).map { Float($0) / 4 }))
    #expect(try file.tensor("half") == Tensor([4], [0.5, -1.25, 65504, 0x1p-24]))
    #expect(try file.tensor("scalar") == Tensor(2.5))
    #expect(try file.tensor("größe") == Tensor([2], [1, 2]))
    #expect(file.entry("count")?.type == "I64")
    #expect(throws: WeightError.self) { try file.tensor("count") }
    #expect(throws: CardError.missing(file: "w.safetensors")) { try file.card() }
  }

  @Test("a file without tensors is a file")
  func noTensors() throws {
    let file = try opened(bytes(Self.none))
    #expect(file.entries.isEmpty && file.metadata.isEmpty)
  }
}
