#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The variants of the kernels.
package enum InstructionSet: String, Sendable, CaseIterable {
  /// What every processor of this architecture can do.
  case baseline
  /// x86-64-v3: AVX2 and FMA.
  case avx2
  /// x86-64-v4: AVX-512 F, BW, CD, DQ and VL.
  case avx512

  /// The variants this machine can run, the fastest last.
  package static let available: [InstructionSet] = {
    #if arch(x86_64)
      let flags = processorFlags()
      var found: [InstructionSet] = [.baseline]
      let v3: Set<String> = ["avx2", "fma", "bmi1", "bmi2", "f16c", "movbe", "abm"]
      let v4: Set<String> = ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"]
      if v3.isSubset(of: flags) {
        found.append(.avx2)
        if v4.isSubset(of: flags) { found.append(.avx512) }
      }
      return found
    #else
      return [.baseline]
    #endif
  }()

  /// Chooses the variant: the one named in `PRISM_ISA`, else the fastest.
  ///
  /// - Parameter name: The value of the variable; by default that of the environment.
  /// - Returns: The variant, or why the name cannot be followed.
  package static func select(
    named name: String? = environmentValue("PRISM_ISA")
  ) -> Result<InstructionSet, InstructionSetError> {
    guard let name, !name.isEmpty else { return .success(available.last ?? .baseline) }
    guard let wanted = InstructionSet(rawValue: name) else { return .failure(.unknown(name)) }
    return available.contains(wanted) ? .success(wanted) : .failure(.unsupported(wanted))
  }
}

/// Why a variant of the kernels cannot be used.
package enum InstructionSetError: Error, Equatable, CustomStringConvertible {
  /// No variant has this name.
  case unknown(String)
  /// This machine cannot run the variant.
  case unsupported(InstructionSet)

  /// One line for the user.
  package var description: String {
    let choices = InstructionSet.available.map(\.rawValue).joined(separator: ", ")
    switch self {
    case .unknown(let name):
      return "PRISM_ISA=\(name): no such instruction set; choose from \(choices)"
    case .unsupported(let set):
      return "PRISM_ISA=\(set.rawValue): not available on this machine; choose from \(choices)"
    }
  }
}

/// Returns the value of an environment variable.
package func environmentValue(_ name: String) -> String? {
  guard let value = getenv(name) else { return nil }
  return String(cString: value)
}

#if arch(x86_64)
  /// Returns the names of what the processor can do and the system has enabled, as Linux writes
  /// them.
  private func processorFlags() -> Set<String> {
    #if os(Linux)
      let text = readSmallFile("/proc/cpuinfo") ?? ""
      guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("flags") }) else {
        return []
      }
      return Set(line.split(separator: " ").map(String.init))
    #else
      // macOS names them one by one; macOS computers with these processors all have x86-64-v3.
      func has(_ name: String) -> Bool {
        var value: Int32 = 0
        var size = MemoryLayout<Int32>.size
        return sysctlbyname("hw.optional.\(name)", &value, &size, nil, 0) == 0 && value != 0
      }
      var flags: Set<String> = []
      if has("avx2_0") && has("fma") {
        flags = ["avx2", "fma", "bmi1", "bmi2", "f16c", "movbe", "abm"]
      }
      for part in ["f", "bw", "cd", "dq", "vl"] where has("avx512\(part)") {
        flags.insert("avx512\(part)")
      }
      return flags
    #endif
  }
#endif
