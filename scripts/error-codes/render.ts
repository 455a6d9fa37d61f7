// docs/error-codes.md as text, from the one table of codes.
import { ERROR_CODES } from '../../src/contract/error-codes.ts';

/** The page as it must stand in docs/. */
export function renderErrorCodes(): string {
  const rows = Object.entries(ERROR_CODES)
    .map(([code, { status, meaning, remedy }]) => ({ code, status, meaning, remedy }))
    .toSorted((a, b) => a.status - b.status || a.code.localeCompare(b.code))
    .map(
      ({ code, status, meaning, remedy }) =>
        `| ${status} | \`${code}\` | ${inCell(meaning)} | ${inCell(remedy)} |`,
    );
  return `# Error codes

<!-- Made by scripts/error-codes.ts from src/contract/error-codes.ts; change it there. -->

Every answer that is not a success has the body
\`{ "detail", "error_code", "timestamp", "issues"? }\`; \`issues\` lists \`{ path, message }\` of each wrong field.
Verdicts on single operations of a batch are no errors: see the answer of the batch.

| status | \`error_code\` | what it means | what to do |
|---|---|---|---|
${rows.join('\n')}
`;
}

const inCell = (text: string): string => text.replaceAll('|', '\\|');
