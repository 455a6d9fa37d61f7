import { hash } from 'node:crypto';

/** 16 bytes of SHA-256: two of a billion operations meet with a chance of about 1e-21. */
export const KEY_BYTES = 16;

const digest = (text: string): Buffer => hash('sha256', text, 'buffer').subarray(0, KEY_BYTES);

// The parts of a key contain no control characters (contract 4), so a line break separates them safely.

/** What an operation is, for ever: its device, epoch and id (rules, "Identity"). */
export const operationKey = (deviceId: string, queueEpoch: string, id: number): Buffer =>
  digest(`${deviceId}\n${queueEpoch}\n${id}`);

/** What an operation says: the hash of its canonical content. */
export const contentHash = (content: string): Buffer => digest(content);

/** What a batch says: its device, epoch and its operations' ids and contents in order. */
export const batchContentHash = (
  deviceId: string,
  queueEpoch: string,
  items: readonly { id: number; content: Buffer }[],
): Buffer =>
  digest(
    `${deviceId}\n${queueEpoch}\n${items.map((item) => `${item.id}:${item.content.toString('base64')}`).join('\n')}`,
  );

/** The pair of a device and a session it uploads for. */
export const deviceSessionKey = (deviceId: string, sessionId: string): Buffer =>
  digest(`${deviceId}\n\n${sessionId}`);
