import type { Figure } from './proof.ts';
import { isKept, type ProofResult } from './run-proofs.ts';

/** Colours for a terminal; both give the text back where the output goes elsewhere. */
export interface Paint {
  good(text: string): string;
  bad(text: string): string;
}

type Row = readonly [
  proof: string,
  figure: string,
  value: string,
  unit: string,
  bound: string,
  verdict: string,
];

const HEADING: Row = ['proof', 'figure', 'value', 'unit', 'bound', ''];
const VALUE_COLUMN = 2;

/** One line per figure in columns that line up; values end at the same place. A proof's name stands once. */
export function figureTable(results: readonly ProofResult[], paint: Paint): string[] {
  const rows = [HEADING, ...results.flatMap(rowsOf)];
  const widths = HEADING.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: Row): string => {
    const cells = row.map((cell, column) =>
      column === VALUE_COLUMN ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
    );
    const text = cells.slice(0, -1).join('  ');
    const verdict = row.at(-1)!;
    if (verdict === '') return text.trimEnd();
    return `${text}  ${verdict === 'FAILED' ? paint.bad(verdict) : paint.good(verdict)}`;
  };
  return rows.map(line);
}

function rowsOf({ name, figures, error }: ProofResult): Row[] {
  if (error !== undefined || figures.length === 0)
    return [[name, 'was not carried out', '', '', '', 'FAILED']];
  return figures.map((figure, index) => [
    index === 0 ? name : '',
    figure.name,
    shown(figure.value),
    figure.unit,
    boundOf(figure),
    isKept(figure) ? 'ok' : 'FAILED',
  ]);
}

function boundOf({ atMost, atLeast }: Figure): string {
  const bounds = [
    ...(atLeast === undefined ? [] : [`≥ ${shown(atLeast)}`]),
    ...(atMost === undefined ? [] : [`≤ ${shown(atMost)}`]),
  ];
  return bounds.join(', ');
}

/** Thousands apart, two decimals at most, three where a value is under one. */
function shown(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const maximumFractionDigits = Number.isInteger(value) ? 0 : Math.abs(value) < 1 ? 3 : 2;
  return value.toLocaleString('en-US', { maximumFractionDigits });
}
