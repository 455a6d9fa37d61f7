// The phones' network: counts every answer of the engine, and breaks once where the story wants it to.
import { request } from 'node:http';
import type { BatchStatus, UploadBatch, Verdict } from '../../src/contract/wire-types.ts';
import type { Fetch, HttpRequest, HttpResponse } from '../../src/device/index.ts';

export const VERDICTS = ['applied', 'duplicate', 'conflict', 'rejected', 'retry'] as const;

/** Operations by verdict, counted per answer: an operation that is sent and answered twice counts twice. */
export type Tally = Record<Verdict | 'sent', number> & {
  /** Uploads that left a phone. */
  uploads: number;
  cutOff: number;
  answersLost: number;
};

export const emptyTally = (): Tally => ({
  sent: 0,
  applied: 0,
  duplicate: 0,
  conflict: 0,
  rejected: 0,
  retry: 0,
  uploads: 0,
  cutOff: 0,
  answersLost: 0,
});

/** `cut_off`: half of the upload leaves, then the connection is gone. `answer_lost`: only the answer is. */
export type Fault = 'cut_off' | 'answer_lost';

export interface Network {
  fetch: Fetch;
  /** The next upload meets this. */
  break(fault: Fault): void;
}

export function createNetwork(tally: Tally): Network {
  const sizes = new Map<string, number>();
  let fault: Fault | undefined;

  async function send(url: string, init: HttpRequest): Promise<HttpResponse> {
    const response = await fetch(url, init);
    const text = await response.text();
    countAnswer(JSON.parse(text) as Partial<BatchStatus>);
    return { status: response.status, headers: response.headers, text: async () => text };
  }

  function countAnswer({ batch_id, state, results }: Partial<BatchStatus>): void {
    if (batch_id === undefined || state !== 'applied' || !results) return;
    tally.sent += sizes.get(batch_id) ?? 0;
    for (const { verdict } of results) tally[verdict] += 1;
  }

  return {
    break: (next) => {
      fault = next;
    },
    fetch: async (url, init) => {
      if (init.body === undefined) return send(url, init);
      const batch = JSON.parse(init.body) as UploadBatch;
      sizes.set(batch.batch_id, batch.items.length);
      tally.uploads += 1;
      const met = fault;
      fault = undefined;
      if (met === 'cut_off') {
        tally.cutOff += 1;
        await sendHalf(url, init.headers, init.body);
        throw new Error('the connection broke half-way');
      }
      const response = await send(url, init);
      if (met !== 'answer_lost') return response;
      tally.answersLost += 1;
      throw new Error('the answer was lost');
    },
  };
}

/** Sends the first half of a body, as far as the system's socket, and destroys the connection. */
function sendHalf(url: string, headers: Record<string, string>, body: string): Promise<void> {
  const bytes = Buffer.from(body);
  return new Promise((resolve) => {
    const upload = request(url, {
      method: 'POST',
      headers: { ...headers, 'content-length': String(bytes.length) },
    });
    upload.on('error', () => {});
    upload.on('close', resolve);
    upload.write(bytes.subarray(0, bytes.length / 2), () => upload.destroy());
  });
}
