import type { UploadBatch } from '../contract/wire-types.ts';
import type { ClaimedBatch } from './claim-batch.ts';
import type { Fetch, HttpRequest } from './http-port.ts';
import { readAnswer, type ServerAnswer } from './server-answer.ts';
import { type Sleeper, type Timer, withTimeLimit } from './timer.ts';

const SERVER_WAIT_S = 10;
const REQUEST_LIMIT_MS = 30_000;
const FIRST_POLL_MS = 500;
const LONGEST_POLL_MS = 5_000;
/** About a minute of asking; after that the upload stays recorded and the next cycle goes on with it. */
const MOST_POLLS = 15;

export interface Sender {
  /** Sends a batch and waits for its verdicts, within bounds. Never rejects. */
  send(batch: ClaimedBatch, queueRemaining: number): Promise<ServerAnswer>;
}

export interface SenderOptions {
  url: string;
  token: () => string | Promise<string>;
  fetch: Fetch;
  now: () => number;
  timer: Timer;
  sleeper: Sleeper;
  /** True once nothing new should begin. */
  isStopping: () => boolean;
}

export function createSender(options: SenderOptions): Sender {
  const { url, token, fetch, now, timer, sleeper, isStopping } = options;
  const batchesUrl = `${url.replace(/\/+$/, '')}/api/sync/batches`;
  let bearer: string | null = null;

  /** One request; a 401 asks for a token once more, as the old one may just have expired. */
  async function request(path: string, init: HttpRequest, batchId: string): Promise<ServerAnswer> {
    const answer = await attempt(path, init, batchId);
    if (answer.kind !== 'unauthorized') return answer;
    bearer = null;
    return attempt(path, init, batchId);
  }

  async function attempt(path: string, init: HttpRequest, batchId: string): Promise<ServerAnswer> {
    try {
      bearer ??= await token();
      const headers = { ...init.headers, authorization: `Bearer ${bearer}` };
      const exchange = fetch(path, { ...init, headers }).then(async (response) =>
        readAnswer(response, await response.text(), { batchId, nowMs: now() }),
      );
      return await withTimeLimit(timer, exchange, REQUEST_LIMIT_MS);
    } catch (error) {
      return { kind: 'unreachable', reason: error instanceof Error ? error.message : String(error) };
    }
  }

  return {
    async send(batch, queueRemaining) {
      // The token of the sign-in of now: another user may have signed in since the last upload.
      bearer = null;
      let answer = await request(
        batchesUrl,
        uploadRequest(batch, { sentAtMs: now(), queueRemaining }),
        batch.batch_id,
      );
      let pollMs = FIRST_POLL_MS;
      for (let poll = 0; answer.kind === 'received' && poll < MOST_POLLS && !isStopping(); poll++) {
        await sleeper.sleep(pollMs);
        pollMs = Math.min(LONGEST_POLL_MS, pollMs * 2);
        answer = await request(
          `${batchesUrl}/${batch.batch_id}`,
          { method: 'GET', headers: {} },
          batch.batch_id,
        );
      }
      return answer;
    },
  };
}

function uploadRequest(
  batch: ClaimedBatch,
  { sentAtMs, queueRemaining }: { sentAtMs: number; queueRemaining: number },
): HttpRequest {
  const body: UploadBatch = {
    batch_id: batch.batch_id,
    device_id: batch.device_id,
    queue_epoch: batch.queue_epoch,
    sent_at: Math.trunc(sentAtMs),
    schema_version: 1,
    queue_remaining: queueRemaining,
    items: batch.items,
  };
  return {
    method: 'POST',
    headers: { 'content-type': 'application/json', prefer: `wait=${SERVER_WAIT_S}` },
    body: JSON.stringify(body),
  };
}
