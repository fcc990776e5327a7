import PrismTestSupport
import PrismCard
import Glibc
import PrismTensor
import Testing

@testable import PrismWeights

@Suite("writing", .serialized)
struct WriterTests {
  private func writer(seed: UInt64) -> (SafetensorsWriter, [String: Tensor]) {
    var random = SeededRandom(seed: seed)
    var writer = SafetensorsWriter(metadata: ["b": "2", "a": "\u{1}\"é\\"])
    var tensors: [String: Tensor] = [:]
    for i in 0..<Int.random(in: 1..<12, using: &random) {
      let rank = Int.random(in: 0..<4, using: &random)
      let shape = Shape((0..<rank).map { _ in Int.random(in: 1..<6, using: &random) })
      let tensor = Tensor.normal(shape, using: &random)
      let isHalf = Bool.random(using: &random)
      writer.add("layer.\(i)", tensor, as: isHalf ? .float16 : .float32)
      tensors["layer.\(i)"] =
        isHalf ? Tensor(shape, tensor.scalars.map { Float(Float16($0)) }) : tensor
    }
    return (writer, tensors)
  }

  @Test("what is written is read, by way of a file", arguments: UInt64(0)..<20)
  func roundTrip(_ seed: UInt64) throws {
    let folder = try TemporaryFolder()
    let (writer, tensors) = writer(seed: seed)
    let path = folder.file("w.safetensors")
    try writer.write(to: path)
    let file = try SafetensorsFile(contentsOf: path)
    #expect(folder.names == ["w.safetensors"])
    #expect(file.metadata == writer.metadata)
    #expect(file.entries.count == tensors.count)
    for (name, tensor) in tensors { #expect(try file.tensor(name) == tensor) }
    #expect((file.entries.first?.range.lowerBound ?? 0) % 64 == 0)
    let types = file.entries.map(\.type)
    #expect(types == types.sorted(by: >) || Set(types).count == 1)
    #expect(types == types.filter { $0 == "F32" } + types.filter { $0 == "F16" })
    // The file on disk and the bytes in memory are the same.
    let again = try opened(writer.bytes())
    #expect(again.sha256 == file.sha256)
  }

  @Test("the order of adding does not change the bytes")
  func deterministic() throws {
    var first = SafetensorsWriter(metadata: ["x": "1", "y": "2"])
    var second = SafetensorsWriter(metadata: ["y": "2", "x": "1"])
    first.add("a", Tensor([2], [1, 2]))
    first.add("b", Tensor([2], [3, 4]), as: .float16)
    second.add("b", Tensor([2], [3, 4]), as: .float16)
    second.add("a", Tensor([2], [1, 2]))
    #expect(try first.bytes() == second.bytes())
  }

  @Test("unaligned F32 is copied, aligned F32 borrowed, and both are right")
  func alignment() throws {
    let values: [Float] = [1, -2, 3.5]
    for padding in 0..<8 {
      let header =
        "{\(Attack.entry("F32", "[3]", "[0,12]"))}" + String(repeating: " ", count: padding)
      let contents = MappedFile(copying: fileBytes(header, data: littleEndian(values)), path: "w")
      let file = try SafetensorsFile(contents)
      let tensor = try file.tensor("a")
      #expect(tensor == Tensor([3], values))
      let place = try #require(file.entry("a")?.range.lowerBound)
      let isBorrowed = tensor.withUnsafeBufferPointer { floats in
        contents.withUnsafeBytes {
          floats.baseAddress.map(UnsafeRawPointer.init) == $0.baseAddress.map { $0 + place }
        }
      }
      #expect(isBorrowed == (place % 4 == 0))
    }
  }

  @Test("a tensor keeps the file's memory alive, also when the file is replaced or released")
  func lifetime() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("w.safetensors")
    var writer = SafetensorsWriter()
    writer.add("a", Tensor([3], [1, 2, 3]))
    try writer.write(to: path)
    var tensor = try SafetensorsFile(contentsOf: path).tensor("a")
    let file = try SafetensorsFile(contentsOf: path)
    let other = try file.tensor("a")
    try SafetensorsWriter().write(to: path)
    file.releasePages(of: ["a", "missing"])
    #expect(tensor == Tensor([3], [1, 2, 3]))
    #expect(other == tensor)
    tensor[1] = 7
    #expect(tensor == Tensor([3], [1, 7, 3]))
    #expect(other == Tensor([3], [1, 2, 3]))
  }

  @Test("what cannot be stored is refused and nothing is left")
  func refusals() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("w.safetensors")
    var twice = SafetensorsWriter()
    twice.add("a", Tensor(1))
    twice.add("a", Tensor(2))
    #expect(weightError { try twice.write(to: path) } == .duplicateName(file: path, tensor: "a"))
    var reserved = SafetensorsWriter()
    reserved.add("__metadata__", Tensor(1))
    #expect(
      weightError { try reserved.write(to: path) }
        == .duplicateName(file: path, tensor: "__metadata__"))
    var infinite = SafetensorsWriter()
    infinite.add("a", Tensor([2], [1, .nan]))
    #expect(
      weightError { try infinite.write(to: path) }
        == .nonFinite(file: path, tensor: "a", index: [1], value: "NaN"))
    var large = SafetensorsWriter()
    large.add("a", Tensor([2], [65504, 65520]), as: .float16)
    let error = weightError { try large.write(to: path) }
    #expect(
      error
        == .doesNotFit(file: path, tensor: "a", index: [1], value: "65520.0", type: "F16"))
    #expect(
      error?.description
        == "\(path): tensor \"a\" holds 65520.0 at [1], which F16 cannot hold; store it as F32")
    #expect(folder.names.isEmpty)
  }

  @Test("folders that are missing or no folders are named")
  func unwritable() throws {
    let folder = try TemporaryFolder()
    let writer = SafetensorsWriter()
    let missing = folder.file("none/w.safetensors")
    let error = weightError { try writer.write(to: missing) }
    #expect(error == .unwritable(file: missing, reason: "No such file or directory"))
    #expect(error?.description == "\(missing): cannot be written: No such file or directory")
    for path in [folder.path, folder.path + "/", ""] {
      #expect(weightError { try writer.write(to: path) } != nil)
    }
    #expect(folder.names.isEmpty)
  }

  @Test("a write that fails half-way leaves the old file and nothing else")
  func fullDisk() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("w.safetensors")
    var old = SafetensorsWriter()
    old.add("a", Tensor([1], [42]))
    try old.write(to: path)
    var new = SafetensorsWriter()
    new.add("a", Tensor([1 << 24], repeating: 1))
    // A limit on the size of files stands in for the full disk: both fail within `write`. It holds
    // for the whole process for a moment, so it is larger than any file that other tests write.
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
    var small = limit
    small.rlim_cur = 1 << 25
    let handler = signal(SIGXFSZ, SIG_IGN)
    setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &small)
    let error = weightError { try new.write(to: path) }
    setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
    signal(SIGXFSZ, handler)
    #expect(error == .unwritable(file: path, reason: "File too large"))
    #expect(folder.names == ["w.safetensors"])
    #expect(try SafetensorsFile(contentsOf: path).tensor("a") == Tensor([1], [42]))
  }

  @Test("a card goes through a file")
  func throughFile() throws {
    let file = try opened(SafetensorsWriter(card: .example()).bytes())
    #expect(try file.card() == .example())
  }
}
