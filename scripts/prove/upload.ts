import { signToken } from '../demo/api.ts';

export interface UploadAnswer {
  status: number;
  /** From sending it to its answer. */
  ms: number;
}

/** Uploads over HTTP as a new person each time, so that no limit per person is met. */
export async function upload(
  engine: { url: string; jwtSecret: string },
  batch: { batch_id: string },
  waitSeconds?: number,
): Promise<UploadAnswer> {
  const token = await signToken(engine.jwtSecret, `user-${batch.batch_id}`, 'staff');
  const startedAt = performance.now();
  const response = await fetch(`${engine.url}/api/sync/batches`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      ...(waitSeconds === undefined ? {} : { prefer: `wait=${waitSeconds}` }),
    },
    body: JSON.stringify(batch),
  });
  await response.arrayBuffer();
  return { status: response.status, ms: performance.now() - startedAt };
}
