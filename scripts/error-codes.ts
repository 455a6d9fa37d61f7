// Writes docs/error-codes.md from src/contract/error-codes.ts: npx node scripts/error-codes.ts
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runScript } from './cli.ts';
import { renderErrorCodes } from './error-codes/render.ts';

const USAGE = `
Writes docs/error-codes.md from src/contract/error-codes.ts. A test fails while the page is out of date.

  npx node scripts/error-codes.ts
`;

await runScript({
  name: 'scripts/error-codes.ts',
  usage: USAGE,
  options: {},
  run: async () => {
    writeFileSync(fileURLToPath(new URL('../docs/error-codes.md', import.meta.url)), renderErrorCodes());
    console.log('docs/error-codes.md written');
    return 0;
  },
});
