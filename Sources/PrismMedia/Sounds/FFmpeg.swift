internal import PrismFiles

/// The program `ffmpeg`, which decodes AAC, AMR and WebM where it is installed.
enum FFmpeg {
  /// The sound of a file as WAV of floating-point samples.
  static func wav(
    of bytes: [UInt8], name: String, options: SoundOptions
  ) throws(SoundError) -> [UInt8] {
    // A second more than allowed, so that what is too long is refused and not cut.
    let seconds = Int(options.secondsLimit.rounded(.up)) + 1
    let helper = Helper(
      "ffmpeg",
      [
        "-v error -nostdin -xerror -protocol_whitelist file,pipe -i", "%1",
        "-vn -t \(seconds) -c:a pcm_f32le -f wav", "%2",
      ])
    do { return try helper(bytes, suffixes: ("sound", "wav")) } catch {
      switch error {
      case .missing:
        throw .unsupported(name, reason: "AAC, AMR or WebM without the program ffmpeg")
      case .refused: throw .corrupt(name, reason: "ffmpeg cannot decode it")
      case .noSpace:
        throw .unreadable(name, reason: "no temporary file can be written for ffmpeg")
      case .overdue(let limit): throw .beyondLimit(LimitError.overdue(name, limit: limit))
      case .cancelled: throw .unreadable(name, reason: "the work was given up")
      }
    }
  }
}
