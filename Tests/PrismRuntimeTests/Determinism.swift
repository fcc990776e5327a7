import PrismKernels
import PrismTensor
import Testing

@testable import PrismRuntime

extension Plan {
  /// Expects the first wanted value of some images to be the same bits with any of several numbers
  /// of threads.
  func expectSameBits(
    of images: Tensor, threads counts: [Int], sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let count = images.shape[0]
    let size = images.count / count
    var reference: Tensor?
    for threads in counts {
      let result = try run(count: count, on: WorkerPool(workerCount: threads)) { index, target in
        images.withUnsafePointer { target.update(from: $0 + index * size, count: size) }
      }[0]
      if let reference {
        #expect(result == reference, "\(threads) threads", sourceLocation: sourceLocation)
      }
      reference = result
    }
  }
}
