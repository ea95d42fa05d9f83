// The tissue of a picture: a stain or a field, dead and open tissue, borders. WebGL2 where there is one, else a plain canvas.

/**
 * @typedef {import("./frame.js").Frame} Frame
 * @typedef {{x: number, y: number, w: number, h: number}} Rectangle
 * @typedef {{mode: "stain" | "field" | "difference", field: number, power: number, ground: import("./frame.js").Picture | null,
 *   colours: Uint8Array, calcium: number[], necrosis: boolean, hypoxia: number, dark: boolean}} Style
 */

const VERTEX = `#version 300 es
in vec2 corner; out vec2 place;
void main() { place = corner * 0.5 + 0.5; gl_Position = vec4(corner, 0.0, 1.0); }`;

// Hatch and grain are textures of the place on the screen or in the tissue; they carry no data.
const FRAGMENT = `#version 300 es
precision highp float;
in vec2 place; out vec4 colour;
uniform sampler2D ground, field, other, fate, table;
uniform vec4 rect; uniform vec2 size, grid; uniform int mode; uniform float hypoxia, necrosis, twice, scale;
uniform vec3 calcium;
float hash(vec2 p) { return fract(sin(dot(floor(p), vec2(12.9898, 78.233))) * 43758.5453); }
float line(float value, float level, float width) {
  float d = abs(value - level) / max(fwidth(value), 1e-5);
  return 1.0 - smoothstep(width - 0.5, width + 0.5, d);
}
void main() {
  vec2 screen = vec2(place.x, 1.0 - place.y);
  vec2 at = rect.xy + screen * rect.zw;
  if (at.x < 0.0 || at.y < 0.0 || at.x > 1.0 || at.y > 1.0) { colour = vec4(0.94, 0.94, 0.92, 1.0); return; }
  vec4 state = texture(fate, at);
  float value = texture(field, at).r;
  vec3 tone;
  if (mode == 0) {
    tone = texture(ground, at).rgb;
    vec3 dead = mix(tone, vec3(0.62, 0.47, 0.42), 0.45);
    float stripe = smoothstep(0.35, 0.5, abs(fract((gl_FragCoord.x + gl_FragCoord.y) / (9.0 * scale)) - 0.5));
    dead = mix(dead, vec3(0.17, 0.11, 0.06), 0.28 * stripe);
    tone = mix(tone, dead, smoothstep(0.35, 0.65, state.r));
    tone = mix(tone, vec3(0.80, 0.42, 0.39), 0.5 * smoothstep(0.35, 0.65, state.b));
    float m = state.a * state.a;
    float grain = hash(at * grid * 7.0);
    if (m > 0.002 && grain < clamp(1.6 * sqrt(m) - 0.02, 0.03, 0.55)) tone = mix(tone, calcium, 0.6);
    tone = mix(tone, vec3(0.957, 0.914, 0.788), smoothstep(0.4, 0.6, state.g));
  } else if (mode == 1) {
    tone = texture(table, vec2((value * 255.0 + 0.5) / 256.0, 0.5)).rgb;
  } else {
    float mine = value, theirs = texture(other, at).r;
    if (twice > 0.5) { mine *= mine; theirs *= theirs; }
    tone = texture(table, vec2(clamp((mine - theirs) * 0.5 * 2.0 + 0.5, 0.0, 1.0), 0.5)).rgb;
  }
  if (hypoxia > 0.0) {
    float o = mode == 0 ? value : texture(other, at).r;
    if (mode != 2) tone = mix(tone, vec3(0.07, 0.26, 0.49), 0.85 * line(o, hypoxia, 0.8 * scale) * step(0.5, fract((at.x * size.x + at.y * size.y) / 160.0)));
  }
  if (necrosis > 0.5) {
    float edge = line(state.r, 0.5, 1.6 * scale), core = line(state.r, 0.5, 0.8 * scale);
    tone = mix(tone, vec3(1.0), 0.8 * edge);
    tone = mix(tone, vec3(0.17, 0.11, 0.06), core);
  }
  colour = vec4(tone, 1.0);
}`;

/**
 * Dead, gone or open, healed, mineral of each voxel as one picture. The epidermis of open columns is gone.
 * @param {Frame} frame @param {Uint8Array} kind tissue of each voxel @returns {Uint8Array}
 */
function fates(frame, kind) {
  const out = new Uint8Array(4 * frame.nx * frame.ny);
  const mineral = frame.fields[3];
  for (let i = 0; i < frame.vitality.length; i += 1) {
    const fate = frame.vitality[i];
    if (fate === 1) out[4 * i] = 255;
    else if (fate === 2 || (kind[i] === 0 && frame.covered[i % frame.nx] === 0)) out[4 * i + 1] = 255;
    else if (fate === 3) out[4 * i + 2] = 255;
    out[4 * i + 3] = mineral[i];
  }
  return out;
}

/** Whether this browser draws with WebGL2; `?canvas` in the address forbids it. */
function wantsWebGL() {
  return !new URLSearchParams(location.search).has("canvas");
}

export class Picture {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    /** @type {WebGL2RenderingContext | null} */
    this.gl = wantsWebGL() ? canvas.getContext("webgl2", { antialias: false, preserveDrawingBuffer: true }) : null;
    /** @type {import("./frame.js").Picture | null} */
    this.groundShown = null;
    /** @type {Uint8Array | null} */
    this.tableShown = null;
    /** @type {HTMLCanvasElement | null} */
    this.groundCanvas = null;
    if (this.gl) {
      try { this.prepare(this.gl); } catch { this.gl = null; }
    }
  }

  get kind() {
    return this.gl ? "webgl2" : "canvas";
  }

  /** @param {WebGL2RenderingContext} gl */
  prepare(gl) {
    const program = gl.createProgram();
    for (const [type, source] of /** @type {[number, string][]} */ ([[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]])) {
      const shader = gl.createShader(type);
      if (!shader) throw new Error("no shader");
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader) ?? "shader");
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error("link");
    gl.useProgram(program);
    const buffer = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([-1, -1, 3, -1, -1, 3]), gl.STATIC_DRAW);
    const corner = gl.getAttribLocation(program, "corner");
    gl.enableVertexAttribArray(corner);
    gl.vertexAttribPointer(corner, 2, gl.FLOAT, false, 0, 0);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    this.program = program;
    /** @type {Record<string, number>} */
    this.units = { ground: 0, field: 1, other: 2, fate: 3, table: 4 };
    for (const [name, unit] of Object.entries(this.units)) {
      gl.activeTexture(gl.TEXTURE0 + unit);
      gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
      for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, side, gl.CLAMP_TO_EDGE);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.LINEAR);
      gl.uniform1i(gl.getUniformLocation(program, name), unit);
    }
  }

  /**
   * @param {Frame} frame @param {Uint8Array} kind tissue of each voxel @param {Frame | null} reference the frame that a difference is taken from
   * @param {Rectangle} rect part of the tissue that is shown, as shares @param {number[]} size width and height [µm]
   * @param {Style} style
   */
  draw(frame, kind, reference, rect, size, style) {
    if (this.gl) this.drawGl(this.gl, frame, kind, reference, rect, size, style);
    else this.drawPlain(frame, kind, reference, rect, style);
  }

  /**
   * @param {WebGL2RenderingContext} gl @param {Frame} frame @param {Uint8Array} kind @param {Frame | null} reference @param {Rectangle} rect
   * @param {number[]} size @param {Style} style
   */
  drawGl(gl, frame, kind, reference, rect, size, style) {
    const units = /** @type {Record<string, number>} */ (this.units);
    const program = /** @type {WebGLProgram} */ (this.program);
    const upload = (/** @type {string} */ name, /** @type {number} */ inner, /** @type {number} */ w, /** @type {number} */ h,
      /** @type {number} */ format, /** @type {ArrayBufferView} */ data) => {
      gl.activeTexture(gl.TEXTURE0 + units[name]);
      gl.texImage2D(gl.TEXTURE_2D, 0, inner, w, h, 0, format, gl.UNSIGNED_BYTE, data);
    };
    const main = style.mode === "stain" ? 0 : style.field;
    upload("field", gl.R8, frame.nx, frame.ny, gl.RED, frame.fields[main]);
    const other = style.mode === "difference" && reference ? reference.fields[style.field] : frame.fields[0];
    upload("other", gl.R8, frame.nx, frame.ny, gl.RED, other);
    upload("fate", gl.RGBA, frame.nx, frame.ny, gl.RGBA, fates(frame, kind));
    if (style.ground && style.ground !== this.groundShown) {
      upload("ground", gl.RGBA, style.ground.width, style.ground.height, gl.RGBA, style.ground.pixels);
      this.groundShown = style.ground;
    }
    if (style.colours !== this.tableShown) {
      upload("table", gl.RGB, 256, 1, gl.RGB, style.colours);
      this.tableShown = style.colours;
    }
    const at = (/** @type {string} */ name) => gl.getUniformLocation(program, name);
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    gl.uniform4f(at("rect"), rect.x, rect.y, rect.w, rect.h);
    gl.uniform2f(at("size"), size[0], size[1]);
    gl.uniform2f(at("grid"), frame.nx, frame.ny);
    gl.uniform1i(at("mode"), { stain: 0, field: 1, difference: 2 }[style.mode]);
    gl.uniform1f(at("hypoxia"), style.hypoxia);
    gl.uniform1f(at("necrosis"), style.necrosis ? 1 : 0);
    gl.uniform1f(at("twice"), style.power === 2 ? 1 : 0);
    gl.uniform1f(at("scale"), window.devicePixelRatio || 1);
    gl.uniform3f(at("calcium"), style.calcium[0] / 255, style.calcium[1] / 255, style.calcium[2] / 255);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  /** @param {Frame} frame @param {Uint8Array} kind @param {Frame | null} reference @param {Rectangle} rect @param {Style} style */
  drawPlain(frame, kind, reference, rect, style) {
    const context = this.canvas.getContext("2d");
    if (!context) return;
    const { width, height } = this.canvas;
    context.fillStyle = "#f0f0eb";
    context.fillRect(0, 0, width, height);
    const to = /** @type {[number, number, number, number]} */ ([
      (-rect.x / rect.w) * width, (-rect.y / rect.h) * height, width / rect.w, height / rect.h]);
    if (style.mode === "stain" && style.ground) {
      if (style.ground !== this.groundShown || !this.groundCanvas) {
        this.groundCanvas = document.createElement("canvas");
        this.groundCanvas.width = style.ground.width;
        this.groundCanvas.height = style.ground.height;
        const image = new ImageData(style.ground.pixels, style.ground.width, style.ground.height);
        this.groundCanvas.getContext("2d")?.putImageData(image, 0, 0);
        this.groundShown = style.ground;
      }
      context.drawImage(this.groundCanvas, ...to);
    }
    const small = document.createElement("canvas");
    small.width = frame.nx;
    small.height = frame.ny;
    const image = new ImageData(frame.nx, frame.ny);
    const states = fates(frame, kind);
    const square = style.power === 2;
    for (let i = 0; i < frame.nx * frame.ny; i += 1) {
      const j = 4 * i;
      const isEdge = style.necrosis && states[j] > 0 && (states[j - 4] === 0 || states[j + 4] === 0 || states[j - 4 * frame.nx] === 0 || states[j + 4 * frame.nx] === 0);
      if (isEdge) {
        image.data.set([43, 27, 16, 255], j);
      } else if (style.mode === "stain") {
        if (states[j + 1]) image.data.set([244, 233, 201, 250], j);
        else if (states[j]) image.data.set([110, 90, 74, (i + Math.floor(i / frame.nx)) % 6 === 0 ? 190 : 115], j);
        else if (states[j + 2]) image.data.set([204, 107, 99, 128], j);
        else if (states[j + 3] > 12) image.data.set([...style.calcium, Math.min(220, states[j + 3] * 3)], j);
      } else {
        let q = frame.fields[style.field][i];
        if (style.mode === "difference" && reference) {
          const share = (/** @type {number} */ x) => (square ? (x / 255) ** 2 : x / 255);
          q = Math.round(255 * Math.min(1, Math.max(0, share(q) - share(reference.fields[style.field][i]) + 0.5)));
        }
        image.data.set([style.colours[3 * q], style.colours[3 * q + 1], style.colours[3 * q + 2], 255], j);
      }
    }
    small.getContext("2d")?.putImageData(image, 0, 0);
    context.imageSmoothingEnabled = style.mode !== "stain";
    context.drawImage(small, ...to);
  }
}
