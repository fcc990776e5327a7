internal import ArgumentParser
internal import Prism
internal import PrismReport

struct SurveyCommand: LimitedCommand {
  static let configuration = CommandConfiguration(
    commandName: "survey",
    abstract: "See what the explanations of a whole data set give away, such as shortcuts.",
    discussion: """
        prism survey --model scenes --data scenes/index.csv --split training
        prism survey --model voice --data recordings --method saliency

      Every label that is true of an input is explained, and the maps of each label are grouped by \
      spectral clustering (SpRAy). Where a group points at one fixed place at which other maps do \
      not, the place is filled in and the model asked again; the score of suspicion is both \
      together. A mark in the corner of a label's pictures, or a hum in its recordings, shows so.

      The output folder then holds survey.html and survey.pdf (groups with their mean maps and \
      members, inputs unlike all others), survey.csv (the group of every input), \
      survey.suspicious.csv (the inputs that point at suspicious places, which `prism train \
      --leave-out` takes), survey.json (everything) and survey.journal: a run that was interrupted \
      goes on where it ended when the same command is given again.

      \(Status.explanation)
      """)

  @Option(help: ArgumentHelp("A model in the weights folder, or a path.", valueName: "model"))
  var model: String

  @Option(
    help: ArgumentHelp("A folder or a CSV; `prism dataset` tells what it holds.", valueName: "path")
  )
  var data: String

  @Option(
    help: ArgumentHelp(
      "The method that explains; `prism explain --method list` tells what there is."),
    completion: .list(ExplanationMethod.allCases.map(\.rawValue)))
  var method = "gradcam"

  @OptionGroup var running: MethodRunOptions
  @OptionGroup var selection: DataSelectionOptions

  @Option(
    name: [.short, .long],
    help: ArgumentHelp("The folder for the results, made if missing.", valueName: "dir"),
    completion: .directory)
  var output = "survey"

  @OptionGroup var dataOptions: DataOptions
  @OptionGroup var reading: PictureReadingOptions
  @OptionGroup var sound: SoundReadingOptions
  @OptionGroup var catalog: ModelOptions
  @OptionGroup var machine: MachineOptions
  @OptionGroup var limits: LimitOptions

  @Flag(help: "Print the JSON document instead of a table.") var json = false

  func validate() throws {
    guard try MethodOptions.methods(named: method).count == 1 else {
      throw ValidationError("--method takes one method: maps of several do not compare")
    }
  }

  func run(_ console: Console) throws -> Status {
    machine.apply()
    let model = try catalog.model(self.model)
    let data = try dataOptions.open(self.data)
    let folder = try OutputFolder(output)
    let run = try JudgeRun(request(for: model), for: .survey, model: model, data: data, in: folder)
    return try DataRun(run, console).finish(in: folder, printsDocument: json, console) { results in
      try SurveyReport(
        run, findings: results.findings, unread: results.unread,
        work: Work { console.progress("\($0.done) of \($0.planned) labels grouped") })
    }
  }

  private func request(for model: Model) throws -> JudgeRequest {
    var explanations = ExplanationRequest(
      model: self.model,
      methods: try ExplanationRequest.methods(
        try MethodOptions.methods(named: method), sharing: running.choices), formats: [])
    explanations.seed = running.seed
    explanations.pictures = reading.reading
    explanations.sound = try sound.reading(for: model)
    var request = selection.request(explanations)
    request.tests = []
    return request
  }
}
