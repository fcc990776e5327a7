internal import PrismKernels

/// The instructions that this process computes with.
///
/// Results are the same bits whatever the number of threads and the batch; between instruction sets
/// the last bits differ.
public enum Instructions {
  /// The architecture and the instruction set, such as `x86_64 avx512`: the set that `PRISM_ISA`
  /// names, else the fastest of this machine.
  ///
  /// - Throws: `InstructionSetError` where `PRISM_ISA` names what is not there.
  public static var current: String {
    get throws { "\(architecture) \(try InstructionSet.select().get().rawValue)" }
  }

  private static var architecture: String {
    #if arch(x86_64)
      "x86_64"
    #elseif arch(arm64)
      "arm64"
    #else
      "other"
    #endif
  }
}
