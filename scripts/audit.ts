// npm run audit: recomputes the analytics from the lines with other code and compares.
import { type AuditDifference, auditVariance } from '../src/jobs/audit/audit-variance.ts';
import { checkDates, completeRange, withAnalytics } from './analytics-arguments.ts';
import { runScript } from './cli.ts';

const USAGE = `
Recomputes variance analytics from the count lines with code of its own and compares what is stored.
Exits 1 when a document is missing, extra or unequal.

  npm run audit -- [--from YYYY-MM-DD] [--to YYYY-MM-DD]

  --from, --to      local dates, both inclusive; without them from the first count, until today
`;

const MAX_VALUE_CHARACTERS = 40;

await runScript({
  name: 'npm run audit --',
  usage: USAGE,
  options: { from: { type: 'string' }, to: { type: 'string' } },
  run: async (flags) => {
    checkDates(flags as { from?: string; to?: string });
    return withAnalytics(async (analytics) => {
      const range = await completeRange(analytics, { from: flags.from, to: flags.to });
      const report = await auditVariance(analytics.database, analytics.settings, range);
      for (const line of table(report.differences.flatMap(rowsOf))) console.log(line);
      console.log(
        `${range.from} to ${range.to}: ${report.expected} documents expected, ${report.stored} stored, ` +
          `${report.differences.length} differences`,
      );
      return report.differences.length === 0 ? 0 : 1;
    });
  },
});

function rowsOf(difference: AuditDifference): string[][] {
  const head = [difference.kind, difference.period_type, difference.date];
  if (difference.fields.length === 0) return [[...head, '', '', '']];
  return difference.fields.map(({ field, stored, expected }) => [
    ...head,
    field,
    shown(stored),
    shown(expected),
  ]);
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > MAX_VALUE_CHARACTERS ? `${text.slice(0, MAX_VALUE_CHARACTERS - 1)}…` : text;
}

/** Rows under a heading, in columns as wide as their widest cell; nothing for no rows. */
function table(rows: readonly string[][]): string[] {
  if (rows.length === 0) return [];
  const all = [['', 'period', 'starts', 'field', 'stored', 'expected'], ...rows];
  const widths = all[0]?.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0))) ?? [];
  return all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
