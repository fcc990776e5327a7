// A finished analysis with everything that is known of it, to be shown beside another.
import { alternativeOf, unitOf } from "/describe.js";
import { scaleOf } from "/maps.js";
import { pictureOf } from "/media.js";
import { upright } from "/npy.js";
import { evidenceBoxes, soundAxes, windowAt } from "/sound-signal.js";
import { maybe, percent, t } from "/texts.js";

export class Collected {
  /** Collects an analysis once it has ended. */
  static async of(page, id) {
    const one = new Collected();
    one.page = page;
    one.analysis = await page.api.analysis(id);
    one.kind = one.analysis.type;
    const infos = await new Promise((done, failed) => {
      const found = [];
      page.api.watch(id, {
        method: ({ maps }) => found.push(...maps), end: () => done(found),
        lost: () => failed(new Error(t("offline.text"))),
      });
    });
    one.report = await page.api.report(id);
    const [first] = infos;
    const start = first?.window?.[0];
    const shown = infos.filter((info) => info.window?.[0] === start);
    one.start = start;
    one.maps = await Promise.all(shown.map((info) => one.mapOf(info)));
    return one;
  }

  /** What the server tells of a method. */
  facts(name) { return this.model?.methods.find((method) => method.name === name); }

  title(name) { return this.facts(name)?.title ?? name; }

  get model() { return this.page.models.find((model) => model.name === this.analysis.model); }

  async mapOf(info) {
    const { shape: [height, width], values } = await this.page.api.array(info.npy);
    const shown = upright(values, width, height, this.model);
    return { info, width, height, values: shown, scale: scaleOf(shown) };
  }

  /** Shows input and maps: those of methods that the other has too, or all where there are none. */
  async show(views, other) {
    const query = this.start === undefined ? "" : `?window=${this.start}`;
    const picture = await pictureOf(await this.page.api.blob(this.analysis.input.png + query));
    if (!picture) { return; }
    const base = { width: picture.width, height: picture.height };
    views.options.alternative = t("alternative.input", { name: this.analysis.input.name, ...base });
    views.setBase({
      ...base, source: picture,
      describe: (levels) => (this.kind === "audio"
        ? "" : t("levels.values", { values: levels.join(" · ") })),
    });
    if (this.kind === "audio" && this.model?.audio) {
      this.axes = soundAxes(
        this.model.audio, windowAt(this.start ?? 0, this), base.width, base.height);
      views.setAxes({ x: this.axes.xText, y: this.axes.yText });
    }
    const shared = this.maps.filter(
      ({ info }) => other.maps.some((map) => map.info.method === info.method));
    const shown = shared.length > 0 ? shared : this.maps;
    views.setMaps(shown.map((map) => this.panelOf(map, base)));
  }

  /** Boxes of a map in pixels of the picture below it. */
  regionsOf(entry) {
    const { axes } = this;
    if (!axes) { return entry?.regions; }
    return evidenceBoxes(axes, entry);
  }

  panelOf(map, base) {
    const { info } = map;
    const entry = this.report.explanations.find((one) => one.method === info.method
      && one.target.index === info.index && one.window?.[0] === info.window?.[0]);
    const area = this.kind === "image" ? this.report.picture?.seen : undefined;
    return {
      ...map, area, id: `${info.method}/${info.index}`, title: this.title(info.method),
      meaning: maybe(`method.${info.method}`), note: `${info.label} ${percent(info.probability)}`,
      unit: unitOf(entry, this.facts(info.method)), regions: this.regionsOf(entry),
      hasSegments: Boolean(entry?.segments),
      alternative: alternativeOf(
        { ...map, area }, { label: info.label, kind: this.kind, base, entry }),
    };
  }
}
