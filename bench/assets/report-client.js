/*
 * Draws the line charts of a report with uPlot, in the browser. What is drawn and what failed is left in attributes of
 * the document's root, for the test that opens the report.
 */
(() => {
  const root = document.documentElement;
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const { charts, palette, marks: markShades } = JSON.parse(document.getElementById('charts').textContent);
  const LANE = 9;
  const LANES = ['flush', 'compaction'];
  let plots = [];

  const errors = [];
  addEventListener('error', (event) => {
    errors.push(event.message);
    root.dataset.errors = errors.join('; ');
  });

  const shade = (color) => (dark.matches ? color.dark : color.light);
  const style = (name) => getComputedStyle(root).getPropertyValue(name).trim();

  function short(value) {
    const size = Math.abs(value);
    const trim = (number) => String(Number(number.toPrecision(3)));
    if (size >= 1e9) return `${trim(value / 1e9)}G`;
    if (size >= 1e6) return `${trim(value / 1e6)}M`;
    if (size >= 1e4) return `${trim(value / 1e3)}k`;
    return trim(value);
  }

  /** Over the whole height: writers held up. On the axis: rotations. In lanes above: flushes and compactions. */
  function drawMarks(plot, chart) {
    const { ctx, bbox } = plot;
    const ratio = devicePixelRatio;
    const x = (value) => plot.valToPos(value, 'x', true);
    ctx.save();
    for (const { from, kind, to } of chart.marks) {
      const width = Math.max(ratio, x(to) - x(from));
      ctx.fillStyle = shade(markShades[kind]);
      if (kind === 'stall') {
        ctx.globalAlpha = 0.18;
        ctx.fillRect(x(from), bbox.top, width, bbox.height);
      } else if (kind === 'rotation') {
        ctx.globalAlpha = 1;
        ctx.fillRect(x(from) - ratio * 0.75, bbox.top + bbox.height - 10 * ratio, ratio * 1.5, 10 * ratio);
      } else {
        const lane = LANES.indexOf(kind);
        ctx.globalAlpha = 0.9;
        ctx.fillRect(x(from), bbox.top - (LANES.length - lane) * (LANE + 2) * ratio, width, LANE * ratio);
      }
    }
    ctx.restore();
  }

  /** Of the lines of a logarithmic axis, those at powers of ten. */
  const powersOfTen = (_, splits) => splits.map((at) => (Math.abs(Math.log10(at) % 1) < 1e-9 ? at : null));

  function axis(label, ticks, size, isLog) {
    const filter = isLog ? { filter: powersOfTen } : {};
    return {
      label,
      labelSize: 22,
      size,
      stroke: style('--dim'),
      grid: { stroke: style('--line'), width: 1, ...filter },
      ticks: { stroke: style('--line'), width: 1, ...filter },
      font: '12px system-ui, sans-serif',
      labelFont: '12px system-ui, sans-serif',
      values: (_, values) => values.map((value) => (value === null ? '' : short(value))),
      ...(ticks && {
        splits: () => ticks.map(({ at }) => at),
        values: (_, splits) => splits.map((at) => ticks.find((tick) => tick.at === at)?.label ?? ''),
        filter: (_, splits) => splits,
      }),
    };
  }

  function options(chart, width) {
    const hasMarks = chart.marks !== undefined && chart.marks.length > 0;
    const x = [Math.min(...chart.x), Math.max(...chart.x)];
    return {
      width,
      height: 300,
      padding: [hasMarks ? LANES.length * (LANE + 2) + 2 : 8, 32, 0, 0],
      scales: {
        x: { time: false, distr: chart.xLog ? 3 : 1, range: chart.xLog || chart.xTicks ? x : [0, x[1]] },
        y: chart.yLog ? { distr: 3 } : { range: (_, __, most) => [0, (chart.yMax ?? most) * 1.05 || 1] },
      },
      axes: [axis(chart.xLabel, chart.xTicks, 50), axis(chart.yLabel, undefined, 72, chart.yLog)],
      series: [
        {
          label: chart.xLabel.split(';')[0],
          value: (_, value) =>
            value === null
              ? '–'
              : (chart.xTicks?.find(({ at }) => Math.abs(at - value) < 1e-9)?.label ?? short(value)),
        },
        ...chart.series.map((series) => ({
          label: series.name,
          stroke: shade(palette[series.color]),
          width: 2,
          spanGaps: true,
          ...(series.dashed && { dash: [5, 4] }),
          points: { show: chart.points === true, size: 6, fill: shade(palette[series.color]) },
          value: (_, value) => (value === null ? '–' : short(value)),
        })),
      ],
      hooks: hasMarks ? { draw: [(plot) => drawMarks(plot, chart)] } : {},
    };
  }

  /** Whether anything but one colour is on the canvas. */
  function isDrawn(plot) {
    const { height, width } = plot.ctx.canvas;
    const { data } = plot.ctx.getImageData(0, 0, width, height);
    const pixels = new Uint32Array(data.buffer);
    return pixels.some((pixel) => pixel !== pixels[0]);
  }

  function drawAll() {
    for (const plot of plots) plot.destroy();
    plots = [...document.querySelectorAll('[data-chart]')].map((place) => {
      const chart = charts[Number(place.dataset.chart)];
      const data = [chart.x, ...chart.series.map(({ y }) => y)];
      return new uPlot(options(chart, place.clientWidth), data, place);
    });
    // uPlot draws in a microtask.
    setTimeout(() => {
      root.dataset.drawn = String(plots.filter(isDrawn).length);
      root.dataset.errors = errors.join('; ');
    });
  }

  dark.addEventListener('change', drawAll);
  let width = innerWidth;
  addEventListener('resize', () => {
    if (innerWidth !== width) drawAll();
    width = innerWidth;
  });
  drawAll();
})();
