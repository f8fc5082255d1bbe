"use strict";
// Draws what `data-chart` of a figure holds: {labels, series: [{name, values, bars, color, dash}], unit, places}. The table beside it
// has the same numbers for people who do not see it, and for pages without scripts.
(() => {
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const short = new Intl.NumberFormat(document.documentElement.lang, { notation: "compact", maximumFractionDigits: 1 });
  const wide = { size: [0.42, 40], align: 0 }; // two beside each other fit between two months, also at the edge

  const draw = (figure) => {
    const given = JSON.parse(figure.dataset.chart);
    const whole = new Intl.NumberFormat(document.documentElement.lang, { minimumFractionDigits: given.places, maximumFractionDigits: given.places });
    const places = given.labels.map((_, n) => n);
    const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--rule"), width: 1 }, ticks: { show: false } };
    const series = given.series.map((item) => ({
      label: item.name,
      stroke: colour(item.color),
      fill: item.bars ? colour(item.color) : undefined,
      width: item.bars ? 0 : 2,
      dash: item.dash,
      paths: item.bars ? uPlot.paths.bars({ ...wide, align: item.bars }) : undefined,
      points: { show: !item.bars && places.length < 3 },
      value: (_, value) => value === null ? "–" : `${whole.format(value)} ${given.unit}`.trim(),
    }));
    figure.replaceChildren();
    const chart = new uPlot({
      width: figure.clientWidth,
      height: 220,
      scales: { x: { time: false, range: (_, low, high) => [low - 0.5, high + 0.5] }, y: { range: (_, low, high) => [Math.min(low, 0), high > 0 ? high * 1.08 : 1] } },
      axes: [
        { ...axis, grid: { show: false }, space: 56, incrs: [1, 2, 3, 6, 12], values: (_, at) => at.map((n) => given.labels[n] ?? "") },
        { ...axis, size: 64, values: (_, at) => at.map((n) => short.format(n)) },
      ],
      series: [{ label: given.label, value: (_, n) => given.labels[n] ?? "–" }, ...series],
      cursor: { drag: { x: false, y: false }, points: { size: 6 } },
      hooks: { setCursor: [(self) => { if (self.cursor.idx == null) self.setLegend({ idx: places.length - 1 }); }] },
    }, [places, ...given.series.map((item) => item.values)], figure);
    chart.setLegend({ idx: places.length - 1 });
    return chart;
  };

  const figures = [...document.querySelectorAll("[data-chart]")];
  const charts = new Map();
  const again = (figure) => {
    if (!figure.clientWidth) return; // in a tab that is not shown
    charts.get(figure)?.destroy();
    charts.set(figure, draw(figure));
  };
  const watch = new ResizeObserver((entries) => entries.forEach(({ target }) => {
    const chart = charts.get(target);
    if (!chart) again(target);
    else if (target.clientWidth && chart.width !== target.clientWidth) chart.setSize({ width: target.clientWidth, height: 220 });
  }));
  figures.forEach((figure) => watch.observe(figure));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => figures.forEach(again));
})();
