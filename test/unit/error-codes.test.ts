import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { renderErrorCodes } from '../../scripts/error-codes/render.ts';
import { ERROR_CODES } from '../../src/contract/error-codes.ts';

describe('docs/error-codes.md', () => {
  it('is up to date; else run: npx node scripts/error-codes.ts', () => {
    const page = readFileSync(new URL('../../docs/error-codes.md', import.meta.url), 'utf8');
    expect(page).toBe(renderErrorCodes());
  });

  it('says of every code what it means and what to do', () => {
    for (const [code, { status, meaning, remedy }] of Object.entries(ERROR_CODES)) {
      expect(renderErrorCodes()).toContain(`| ${status} | \`${code}\` | ${meaning} | ${remedy} |`);
      expect(meaning, code).toMatch(/^[A-Z`].*\.$/s);
      expect(remedy, code).toMatch(/^[A-Z`].*\.$/s);
    }
  });
});
