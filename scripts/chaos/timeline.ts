// A page for people: operations applied per second, and what was broken when. Needs nothing but itself.
import type { ChaosReport } from './report.ts';
import type { ChaosRun } from './run.ts';

const WIDTH = 1200;
const HEIGHT = 220;
const ROW = 16;
const LEFT = 140;

/** The run as one HTML file with an SVG in it. */
export function timelinePage(run: ChaosRun, report: ChaosReport): string {
  const seconds = Math.max(1, Math.ceil((run.endedAt - run.startedAt) / 1000));
  const x = (at: number): number =>
    LEFT + (Math.min(seconds, Math.max(0, (at - run.startedAt) / 1000)) / seconds) * (WIDTH - LEFT);
  const kinds = [...new Set(run.faults.map(({ kind }) => kind))].sort();
  const height = HEIGHT + 30 + kinds.length * ROW;
  const title = `${report.operations} operations, seed ${report.seed}: lost ${report.lost}, doubled ${report.doubled}`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Chaos: ${title}</title>
<style>
  :root { color-scheme: light dark; --ink: light-dark(#1a1a1a, #e8e8e8); --bar: light-dark(#3a6ea5, #7fb2e5); --fault: light-dark(#c2410c, #fb923c); }
  body { font: 14px/1.5 system-ui, sans-serif; color: var(--ink); margin: 2rem auto; max-width: ${WIDTH}px; padding: 0 1rem; }
  svg { width: 100%; height: auto; } text { fill: var(--ink); font-size: 12px; }
  .bar { fill: var(--bar); } .fault { fill: var(--fault); } .axis { stroke: var(--ink); stroke-opacity: .3; }
</style>
<h1>${title}</h1>
<p>Bars: operations applied in each second. Below: what was broken, from when until when; a dot is a moment.</p>
<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Operations applied per second and faults over time">
${bars(run, seconds, x)}
${axis(seconds, x)}
${kinds.map((kind, row) => faultRow(run, kind, HEIGHT + 30 + row * ROW, x)).join('\n')}
</svg>
</html>
`;
}

type Scale = (at: number) => number;

function bars({ evidence, startedAt }: ChaosRun, seconds: number, x: Scale): string {
  const perSecond = new Array<number>(seconds).fill(0);
  for (const { at } of evidence.ledger.values()) {
    const second = Math.floor((at.getTime() - startedAt) / 1000);
    if (second >= 0 && second < seconds) perSecond[second]! += 1;
  }
  const highest = Math.max(1, ...perSecond);
  const width = Math.max(1, (WIDTH - LEFT) / seconds - 0.5);
  const shown = perSecond.map((count, second) => {
    const tall = (count / highest) * (HEIGHT - 20);
    return `<rect class="bar" x="${x(startedAt + second * 1000).toFixed(1)}" y="${(HEIGHT - tall).toFixed(1)}" width="${width.toFixed(1)}" height="${tall.toFixed(1)}"><title>second ${second}: ${count}</title></rect>`;
  });
  return `<text x="0" y="24">${highest} a second</text>\n${shown.join('')}`;
}

function axis(seconds: number, x: Scale): string {
  const step = Math.max(10, Math.ceil(seconds / 100) * 10);
  const start = x(0);
  const marks = Array.from({ length: Math.floor(seconds / step) + 1 }, (_, index) => {
    const at = start + ((index * step) / seconds) * (WIDTH - LEFT);
    return `<text x="${at.toFixed(1)}" y="${HEIGHT + 16}">${index * step} s</text>`;
  });
  return `<line class="axis" x1="${LEFT}" x2="${WIDTH}" y1="${HEIGHT}" y2="${HEIGHT}"/>${marks.join('')}`;
}

function faultRow({ faults, endedAt }: ChaosRun, kind: string, y: number, x: Scale): string {
  const spans = faults
    .filter((fault) => fault.kind === kind)
    .map(({ at, healedAt, isCombined }) => {
      const until = Math.min(healedAt, endedAt);
      const width = Math.max(4, x(until) - x(at));
      const tip = `${((until - at) / 1000).toFixed(1)} s${isCombined ? ', with another fault' : ''}`;
      return `<rect class="fault" x="${x(at).toFixed(1)}" y="${y + 3}" width="${width.toFixed(1)}" height="${ROW - 6}" rx="2"><title>${tip}</title></rect>`;
    });
  return `<text x="0" y="${y + 12}">${kind}</text>${spans.join('')}`;
}
