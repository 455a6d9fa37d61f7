// A driver repeats a write whose answer it lost, under the same transaction number, and expects the first
// answer. The engine remembers single-document writes only and ran a repeated batch twice ($inc doubled).
// Kept in memory: the answers do not survive a restart of the gateway.
import { type Command, isInTransaction, sessionKey } from './command.ts';
import { LimitedMap } from './limited-map.ts';

const REMEMBERED_SESSIONS = 10_000;
const WRITES = new Set(['insert', 'update', 'delete', 'findAndModify', 'findandmodify']);

export class RetryableWrites {
  readonly #last = new LimitedMap<{ number: string; reply: Buffer }>(REMEMBERED_SESSIONS);

  /** The answer that this very write got before. */
  earlierReply({ name, body }: Pick<Command, 'name' | 'body'>): Buffer | undefined {
    if (!isRetryable(name, body)) return undefined;
    const last = this.#last.get(sessionKey(body) ?? '');
    return last?.number === String(body['txnNumber']) ? last.reply : undefined;
  }

  remember({ name, body }: Pick<Command, 'name' | 'body'>, reply: Buffer): void {
    if (!isRetryable(name, body)) return;
    this.#last.set(sessionKey(body) ?? '', { number: String(body['txnNumber']), reply });
  }
}

function isRetryable(name: string, body: Command['body']): boolean {
  return WRITES.has(name) && body['txnNumber'] !== undefined && !isInTransaction(body);
}
