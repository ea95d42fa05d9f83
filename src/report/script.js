// The page is whole without this: it adds a cursor that reads the curves, arms that can be hidden, and files to save.
(function () {
  "use strict";
  var data = JSON.parse(document.getElementById("data").textContent);
  var groups = data.curves || [];

  function shown(value, panel) {
    if (value === null || value === undefined) { return "–"; }
    var x = value * panel.factor;
    var size = Math.abs(x);
    var places = size >= 100 ? 0 : size >= 10 ? 1 : 2;
    return x.toFixed(places).replace("-", "−");
  }

  function words(panel, i) {
    var parts = panel.lines.map(function (line) {
      var text = line.name + " " + shown(line.median[i], panel);
      if (line.low) { text += " [" + shown(line.low[i], panel) + " to " + shown(line.high[i], panel) + "]"; }
      return text;
    });
    return panel.axis + " " + (Math.round(panel.x[i] * 100) / 100) + ": " + parts.join("; ") + " " + panel.unit;
  }

  var charts = Array.prototype.slice.call(document.querySelectorAll("svg[data-panel]")).map(function (svg) {
    var panel = groups[Number(svg.getAttribute("data-panel"))];
    return { svg: svg, panel: panel, cursor: svg.querySelector(".cursor"), readout: svg.parentNode.querySelector(".readout"), at: -1 };
  });

  function show(chart, i) {
    var panel = chart.panel;
    chart.at = Math.max(0, Math.min(panel.x.length - 1, i));
    var share = (panel.x[chart.at] - panel.domain[0]) / (panel.domain[1] - panel.domain[0]);
    var x = panel.box[0] + share * panel.box[2];
    chart.cursor.setAttribute("x1", x);
    chart.cursor.setAttribute("x2", x);
    chart.cursor.style.visibility = "visible";
    chart.readout.textContent = words(panel, chart.at);
  }

  function nearest(xs, x) {
    var best = 0;
    xs.forEach(function (value, i) { if (Math.abs(xs[best] - x) > Math.abs(value - x)) { best = i; } });
    return best;
  }

  // One cursor for all panels that share an axis.
  function move(source, x) {
    charts.forEach(function (chart) {
      if (chart.panel.axis === source.panel.axis) { show(chart, nearest(chart.panel.x, x)); }
    });
  }

  charts.forEach(function (chart) {
    chart.svg.addEventListener("pointermove", function (event) {
      var rect = chart.svg.getBoundingClientRect();
      var x = (event.clientX - rect.left) / rect.width * chart.svg.viewBox.baseVal.width;
      var share = (x - chart.panel.box[0]) / chart.panel.box[2];
      move(chart, chart.panel.domain[0] + share * (chart.panel.domain[1] - chart.panel.domain[0]));
    });
    chart.svg.addEventListener("keydown", function (event) {
      var step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
      var last = chart.panel.x.length - 1;
      var to = event.key === "Home" ? 0 : event.key === "End" ? last : step === 0 ? -1 : chart.at + step * (event.shiftKey ? 10 : 1);
      if (step === 0 ? to >= 0 : true) {
        event.preventDefault();
        move(chart, chart.panel.x[Math.max(0, Math.min(last, to))]);
      }
    });
  });

  Array.prototype.slice.call(document.querySelectorAll("button[data-arm]")).forEach(function (button) {
    button.addEventListener("click", function () {
      var is = button.getAttribute("aria-pressed") === "true";
      button.setAttribute("aria-pressed", String(!is));
      Array.prototype.slice.call(document.querySelectorAll("g[data-arm='" + button.getAttribute("data-arm") + "']")).forEach(function (line) {
        line.classList.toggle("off", is);
      });
    });
  });

  Array.prototype.slice.call(document.querySelectorAll("button.save")).forEach(function (button) {
    button.addEventListener("click", function () {
      var text = document.getElementById(button.getAttribute("data-from")).textContent;
      var link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
      link.download = button.getAttribute("data-name");
      link.click();
      URL.revokeObjectURL(link.href);
    });
  });

  // On paper everything that can be opened is open.
  window.addEventListener("beforeprint", function () {
    Array.prototype.slice.call(document.querySelectorAll("details[data-print]")).forEach(function (part) { part.open = true; });
  });
})();
