// Aligned columns for people.

export interface Column {
  title: string;
  align?: 'left' | 'right';
}

/** The lines of a table: titles, a rule, the rows. Columns are as wide as their widest cell. */
export function tableLines(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...rows.map((row) => row[index]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    columns
      .map(({ align }, index) => {
        const cell = cells[index] ?? '';
        return align === 'right' ? cell.padStart(widths[index]!) : cell.padEnd(widths[index]!);
      })
      .join('  ')
      .trimEnd();
  const titles = columns.map(({ title }) => title);
  const rule = widths.map((width) => '─'.repeat(width));
  return [line(titles), line(rule), ...rows.map(line)];
}

export const printTable = (columns: readonly Column[], rows: readonly (readonly string[])[]): void => {
  for (const line of tableLines(columns, rows)) console.log(`  ${line}`);
};
