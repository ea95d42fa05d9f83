// What can be saved: a picture, curves, events, an animation, the scenario.
import { cell } from "./dom.js";
import { gif } from "./gif.js";

/** @param {string} name @param {Blob} blob */
export function save(name, blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/** @param {string} text */
function quoted(text) {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * Curves of the arms, as in series.csv with an arm before each row.
 * @param {{arm: string, rows: [number, Float64Array][], stepH: number}[]} arms @param {{name: string}[]} columns
 */
export function seriesCsv(arms, columns) {
  const lines = [["arm", "t_d", ...columns.map((column) => column.name)].join(",")];
  for (const { arm, rows, stepH } of arms) {
    for (const [step, row] of rows) lines.push([arm, cell((step * stepH) / 24), ...Array.from(row, cell)].join(","));
  }
  return new Blob([`${lines.join("\n")}\n`], { type: "text/csv" });
}

/** Events of the arms, as in events.csv with an arm before each row. @param {{arm: string, events: import("./course.js").Event[]}[]} arms */
export function eventsCsv(arms) {
  const lines = ["arm,id,t_d,kind,entity,x_um,y_um,z_um,cause,values"];
  for (const { arm, events } of arms) {
    for (const e of events) {
      const values = Object.entries(e.values).map(([key, x]) => `${key}=${x}`).join(";");
      lines.push([arm, e.id, cell(e.t_d), e.kind, quoted(e.entity), ...e.place_um.map(cell), e.cause ?? "", quoted(values)].join(","));
    }
  }
  return new Blob([`${lines.join("\n")}\n`], { type: "text/csv" });
}

/**
 * The pictures side by side with their captions: day, seed, what it is.
 * @param {{base: HTMLCanvasElement, over: HTMLCanvasElement, caption: string}[]} panels @param {string} title @param {string[]} foot
 * @param {number} scale @returns {HTMLCanvasElement}
 */
export function composed(panels, title, foot, scale) {
  const gap = 12 * scale;
  const line = 18 * scale;
  const size = panels.map(({ base }) => [Math.round(base.clientWidth * scale), Math.round(base.clientHeight * scale)]);
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(420 * scale, size.reduce((sum, [w]) => sum + w + gap, gap));
  canvas.height = Math.max(...size.map(([, high]) => high)) + (2.6 + foot.length) * line + gap;
  const c = canvas.getContext("2d");
  if (!c) return canvas;
  c.fillStyle = "#fff";
  c.fillRect(0, 0, canvas.width, canvas.height);
  c.fillStyle = "#1a1a1a";
  c.font = `600 ${13 * scale}px system-ui, "Noto Sans CJK SC", sans-serif`;
  c.fillText(title, gap, line, canvas.width - 2 * gap);
  c.font = `${12 * scale}px system-ui, "Noto Sans CJK SC", sans-serif`;
  let x = gap;
  panels.forEach(({ base, over, caption }, i) => {
    const [wide, high] = size[i];
    c.fillText(caption, x, 2.1 * line, wide);
    c.drawImage(base, x, 2.5 * line, wide, high);
    c.drawImage(over, x, 2.5 * line, wide, high);
    x += wide + gap;
  });
  foot.forEach((text, i) => c.fillText(text, gap, canvas.height - (foot.length - i - 0.4) * line, canvas.width - 2 * gap));
  return canvas;
}

/** @param {HTMLCanvasElement} canvas @returns {Promise<Blob>} */
export function png(canvas) {
  return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("png"))), "image/png"));
}

/** @param {HTMLCanvasElement[]} canvases @returns {Blob} */
export function animation(canvases) {
  const { width, height } = canvases[0];
  const pictures = canvases.map((canvas) => {
    const c = canvas.getContext("2d");
    if (!c) throw new Error("gif");
    return c.getImageData(0, 0, width, height).data;
  });
  return gif(pictures, width, height, 14);
}
