// Negative control: nothing is recorded and nothing is recognised. The cursor still keeps a batch from being
// applied twice; an operation that comes again in another batch is applied again.
import { replaceSource } from './replace-source.ts';

const file = 'src/db/sync/sync-operations.ts';

replaceSource([
  {
    file,
    from: '[...kept, ...archived].map(',
    to: '[...kept, ...archived].slice(0, 0).map(',
  },
  { file, from: 'if (ledger.length === 0) return;', to: 'if (ledger.length >= 0) return;' },
]);
