import PrismOperationCases
import PrismTestSupport
import Testing

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

@Suite("coverage of operations")
struct CoverageTests {
  private static let folder = Repository.root + "Sources/PrismAutodiff/Operations/"

  /// Operations by their files: one `Primitive` a file, called as the file.
  private static let operations = Repository.names(in: folder).compactMap { file -> String? in
    guard file.hasSuffix(".swift"), let bytes = FileManager.default.contents(atPath: folder + file)
    else { return nil }
    let name = String(file.dropLast(".swift".count))
    return String(decoding: bytes, as: UTF8.self).contains("public struct \(name):") ? name : nil
  }

  @Test("every operation has a case", arguments: operations)
  func hasCase(_ operation: String) {
    #expect(
      OperationCase.all.contains { "\(type(of: $0.primitive))" == operation },
      "add cases of \(operation) to Tests/OperationCases")
  }

  @Test("the list of operations is not empty, and every case is one of it")
  func isComplete() {
    #expect(Self.operations.count >= 30)
    for test in OperationCase.all {
      #expect(Self.operations.contains("\(type(of: test.primitive))"), "\(test)")
    }
  }
}
