import PrismFiles
import PrismTensor
import PrismTestSupport
import Testing

@testable import PrismMedia

@Suite("NumPy files")
struct ArrayFileTests {
  static let labels = [0, 1, 2, 100, 5, 127]

  @Test("every type is read", arguments: ["f4", "f8", "u1", "i1", "i2", "i4", "i8"])
  func types(type: String) throws {
    let path = Fixtures.folder + "array-\(type).npy"
    let tensor = try ArrayFile.tensor(contentsOf: path)
    #expect(tensor.shape == [2, 3])
    #expect(tensor.scalars == Self.labels.map(Float.init))
    if type.hasPrefix("f") {
      #expect(throws: FileError.self) { try ArrayFile.integers(contentsOf: path) }
    } else {
      let (shape, values) = try ArrayFile.integers(contentsOf: path)
      #expect(shape == [2, 3] && values == Self.labels)
    }
  }

  @Test("truth values and Fortran order are read")
  func others() throws {
    let truth = try ArrayFile.integers(contentsOf: Fixtures.folder + "array-b1.npy")
    #expect(truth.values == [0, 0, 1, 1, 1, 1])
    let fortran = try ArrayFile.integers(contentsOf: Fixtures.folder + "array-fortran.npy")
    #expect(fortran.values == Self.labels)
  }

  @Test("big-endian numbers are refused")
  func bigEndian() {
    let error = #expect(throws: FileError.self) {
      try ArrayFile.tensor(contentsOf: Fixtures.folder + "array-big-endian.npy")
    }
    #expect(error?.description.contains("'>i4' are not supported") == true)
  }

  @Test("what is written is what NumPy writes, byte for byte")
  func bytes() throws {
    for name in ["map.npy", "map-29x33.npy", "array-f4.npy"] {
      let bytes = try Fixtures.bytes(name)
      #expect(ArrayFile.data(try ArrayFile.tensor(decoding: bytes)) == bytes)
    }
  }

  @Test("every rank survives", arguments: [[], [3], [2, 3], [1, 2, 3, 4]])
  func ranks(extents: [Int]) throws {
    let shape = Shape(extents)
    let tensor = Tensor(shape, (0..<shape.count).map { Float($0) / 3 })
    let data = ArrayFile.data(tensor)
    #expect((data.count - 4 * tensor.count) % 64 == 0)
    #expect(try ArrayFile.tensor(decoding: data) == tensor)
  }

  @Test("damaged files are errors")
  func damage() throws {
    let intact = try Fixtures.bytes("array-i4.npy")
    for count in 0..<intact.count {
      #expect(throws: FileError.self) { try ArrayFile.tensor(decoding: Array(intact[..<count])) }
    }
    #expect(throws: FileError.self) { try ArrayFile.tensor(decoding: intact + [0]) }
    for shape in [
      "(0, 3)", "(-2, 3)", "(4611686018427387904, 4)", "(2, 3", "(99999999999999999999,)",
    ] {
      var header = "{'descr': '<i4', 'fortran_order': False, 'shape': \(shape), }"
      header += String(repeating: " ", count: 118 - header.utf8.count)
      #expect(throws: FileError.self) {
        try ArrayFile.integers(
          decoding: Array(intact[..<10]) + Array(header.utf8) + Array(intact[128...]))
      }
    }
    var random = SplitMix(state: 4)
    for _ in 0..<5000 {
      var bytes = intact
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(
          in: 0...255, using: &random)
      }
      _ = try? ArrayFile.tensor(decoding: bytes)
    }
  }
}
