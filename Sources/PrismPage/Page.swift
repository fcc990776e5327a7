/// The files of the page, which are part of the program.
package enum Page {
  /// A file with what it holds.
  package struct File: Sendable {
    /// The name in the address.
    package let name: String
    /// The media type.
    package let type: String
    /// The contents.
    package let contents: [UInt8]
  }

  /// All files; `index.html` is the page itself.
  package static var files: [File] {
    [
      File(
        name: "index.html", type: "text/html; charset=utf-8", contents: PackageResources.index_html),
      File(
        name: "analysis.js", type: "text/javascript; charset=utf-8",
        contents: PackageResources.analysis_js),
      File(
        name: "api.js", type: "text/javascript; charset=utf-8",
        contents: PackageResources.api_js),
      File(
        name: "app.js", type: "text/javascript; charset=utf-8",
        contents: PackageResources.app_js),
      File(
        name: "archive.js", type: "text/javascript; charset=utf-8",
        contents: PackageResources.archive_js),
      File(
        name: "base.js", type: "text/javascript; charset=utf-8",
        contents: PackageResources.base_js),
      File(
        name: "choices.js", type: "text/javascript; charset=utf-8",
        contents: PackageResources.choices_js),
      File(
        name: "collected.js", type: "text/javascript; charset=utf-8",
        contents: PackageResources.collected_js),
      File(
        name: "colormaps.js", type: "text/javascript; charset=utf-8",
        contents: PackageResources.colormaps_js),
      File(
        name: "compare.js", type: "text/javascript; charset=utf-8",
        contents: PackageResources.compare_js),
      File(
        name: "describe.js", type: "text/javascript; charset=utf-8",
        contents: PackageResources.describe_js),
      File(
        name: "details.js", type: "text/javascript; charset=utf-8",
        contents: PackageResources.details_js),
      File(
        name: "dom.js", type: "text/javascript; charset=utf-8",
        contents: PackageResources.dom_js),
      File(
        name: "icon.svg", type: "image/svg+xml",
        contents: PackageResources.icon_svg),
      File(
        name: "icons.js", type: "text/javascript; charset=utf-8",
        contents: PackageResources.icons_js),
      File(
        name: "intake.js", type: "text/javascript; charset=utf-8",
        contents: PackageResources.intake_js),
      File(
        name: "keys.js", type: "text/javascript; charset=utf-8",
        contents: PackageResources.keys_js),
      File(
        name: "maps.js", type: "text/javascript; charset=utf-8",
        contents: PackageResources.maps_js),
      File(
        name: "media.js", type: "text/javascript; charset=utf-8",
        contents: PackageResources.media_js),
      File(
        name: "muting.js", type: "text/javascript; charset=utf-8",
        contents: PackageResources.muting_js),
      File(
        name: "npy.js", type: "text/javascript; charset=utf-8",
        contents: PackageResources.npy_js),
      File(
        name: "page.css", type: "text/css; charset=utf-8",
        contents: PackageResources.page_css),
      File(
        name: "painting.js", type: "text/javascript; charset=utf-8",
        contents: PackageResources.painting_js),
      File(
        name: "picture.js", type: "text/javascript; charset=utf-8",
        contents: PackageResources.picture_js),
      File(
        name: "player.js", type: "text/javascript; charset=utf-8",
        contents: PackageResources.player_js),
      File(
        name: "progress.js", type: "text/javascript; charset=utf-8",
        contents: PackageResources.progress_js),
      File(
        name: "saved.js", type: "text/javascript; charset=utf-8",
        contents: PackageResources.saved_js),
      File(
        name: "settings.js", type: "text/javascript; charset=utf-8",
        contents: PackageResources.settings_js),
      File(
        name: "sound-signal.js", type: "text/javascript; charset=utf-8",
        contents: PackageResources.sound_signal_js),
      File(
        name: "sound.css", type: "text/css; charset=utf-8",
        contents: PackageResources.sound_css),
      File(
        name: "sound.js", type: "text/javascript; charset=utf-8",
        contents: PackageResources.sound_js),
      File(
        name: "strip.js", type: "text/javascript; charset=utf-8",
        contents: PackageResources.strip_js),
      File(
        name: "tables.js", type: "text/javascript; charset=utf-8",
        contents: PackageResources.tables_js),
      File(
        name: "texts-de.js", type: "text/javascript; charset=utf-8",
        contents: PackageResources.texts_de_js),
      File(
        name: "texts-en.js", type: "text/javascript; charset=utf-8",
        contents: PackageResources.texts_en_js),
      File(
        name: "texts-languages.js", type: "text/javascript; charset=utf-8",
        contents: PackageResources.texts_languages_js),
      File(
        name: "texts.js", type: "text/javascript; charset=utf-8",
        contents: PackageResources.texts_js),
      File(
        name: "toolbar.js", type: "text/javascript; charset=utf-8",
        contents: PackageResources.toolbar_js),
      File(
        name: "views.js", type: "text/javascript; charset=utf-8",
        contents: PackageResources.views_js),
      File(
        name: "whatif.js", type: "text/javascript; charset=utf-8",
        contents: PackageResources.whatif_js),
      File(name: "openapi.json", type: "application/json", contents: PackageResources.openapi_json),
    ]
  }

  /// The description of the interface, OpenAPI 3.1.
  package static var description: [UInt8] { PackageResources.openapi_json }
}
