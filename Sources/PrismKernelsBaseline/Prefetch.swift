// The one instruction that Swift has no name for.

internal import Builtin

/// Asks for the cache line at an address, which comes into the second-level cache while other work is
/// done; the address may be anything, and nothing is read.
@inline(always)
func prefetch(_ p: Source) {
  Builtin.int_prefetch_RawPointer(
    p._rawValue, (0 as Int32)._value, (2 as Int32)._value, (1 as Int32)._value)
}
