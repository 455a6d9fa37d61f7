import type { CountLine } from '../../contract/schemas/count-line.ts';
import type { OperationResult, ServerState } from '../../contract/wire-types.ts';

/** A verdict without the operation's id. */
export type Outcome = Omit<OperationResult, 'id'>;

/** The `server` member of a count's verdict, absent where there is no line. */
export const serverLine = (line: CountLine | undefined): { server?: ServerState } =>
  line === undefined
    ? {}
    : {
        server: {
          version: line.version,
          counted_qty: line.counted_qty,
          counted_by: line.counted_by,
          counted_at: line.counted_at.toISOString(),
        },
      };
