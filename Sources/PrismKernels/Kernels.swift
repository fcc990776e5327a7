@_exported public import PrismKernelsBaseline

#if arch(x86_64)
  import PrismKernelsAVX2
  import PrismKernelsAVX512
#endif

/// The kernels of one instruction set.
///
/// A value is chosen once, when a plan is made; a call costs one jump. Weights packed by one value
/// can only be used by values of the same set. All kernels work on raw pointers to `Float`,
/// activations are `[H, W, C]` per image, and none of them allocates tensors, throws or checks its
/// pointers. The bits of an output never depend on how its rows, panels, tiles or images were
/// divided among calls.
package struct Kernels: Sendable, Equatable {
  /// The instruction set.
  package let instructionSet: InstructionSet

  /// Those that `PRISM_ISA` names, else the fastest of this machine.
  package static let preferred = Kernels(
    (try? InstructionSet.select().get()) ?? InstructionSet.available.last ?? .baseline)

  /// Makes the kernels of a set; one that this machine cannot run becomes the best it can.
  package init(_ instructionSet: InstructionSet) {
    let available = InstructionSet.available
    self.instructionSet =
      available.contains(instructionSet) ? instructionSet : available.last ?? .baseline
  }
}
