import Glibc
import PrismTensor
import Testing

@testable import PrismWeights

/// The bytes of a safetensors file with this header and these data.
func fileBytes(_ header: String, data: [UInt8] = [], length: UInt64? = nil) -> [UInt8] {
  fileBytes(header: Array(header.utf8), data: data, length: length)
}

func fileBytes(header: [UInt8], data: [UInt8] = [], length: UInt64? = nil) -> [UInt8] {
  let announced = length ?? UInt64(header.count)
  return (0..<8).map { UInt8(truncatingIfNeeded: announced >> (8 * UInt64($0))) } + header + data
}

func opened(_ bytes: [UInt8], _ path: String = "w.safetensors") throws(WeightError)
  -> SafetensorsFile
{
  try SafetensorsFile(MappedFile(copying: bytes, path: path))
}

func littleEndian(_ floats: [Float]) -> [UInt8] {
  floats.flatMap { value in
    (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * UInt32($0))) }
  }
}

/// What a closure throws, or `nil`.
func weightError(_ body: () throws -> Void) -> WeightError? {
  do {
    try body()
    return nil
  } catch {
    return error as? WeightError
  }
}

/// A folder that is deleted with the object.
final class TemporaryFolder {
  let path: String

  init() throws {
    var template = Array("/tmp/prism-weights-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw WeightError.unwritable(file: "/tmp", reason: "") }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  func file(_ name: String) -> String { path + "/" + name }

  var names: [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var result: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { result.append(name) }
    }
    return result.sorted()
  }

  func write(_ bytes: [UInt8], to name: String) throws -> String {
    let path = file(name)
    let stream = try #require(fopen(path, "wb"))
    fwrite(bytes, 1, bytes.count, stream)
    fclose(stream)
    return path
  }

  deinit {
    for name in names { unlink(file(name)) }
    rmdir(path)
  }
}
