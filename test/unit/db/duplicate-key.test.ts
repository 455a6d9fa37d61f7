import { MongoServerError } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { onceMoreOnDuplicate, rerunOnDuplicate } from '../../../src/db/duplicate-key.ts';

const duplicate = () => new MongoServerError({ message: 'E11000 duplicate key', code: 11_000 });
const invalid = () => new MongoServerError({ message: 'Document failed validation', code: 121 });

/** Throws the errors one after the other, then answers 7. */
function failing(...errors: Error[]) {
  return async (): Promise<number> => {
    const error = errors.shift();
    if (error) throw error;
    return 7;
  };
}

describe('a single upsert', () => {
  it('that lost the race for its key is tried once more', async () => {
    expect(await onceMoreOnDuplicate(failing(duplicate()))).toBe(7);
  });

  it('that meets the duplicate again throws it', async () => {
    await expect(onceMoreOnDuplicate(failing(duplicate(), duplicate()))).rejects.toMatchObject({
      code: 11_000,
    });
  });

  it('with another error is not tried again', async () => {
    await expect(onceMoreOnDuplicate(failing(invalid()))).rejects.toMatchObject({ code: 121 });
  });
});

describe('a transaction', () => {
  it('that met a duplicate key runs again as a whole', async () => {
    const error = duplicate();
    await expect(rerunOnDuplicate(failing(error)())).rejects.toBe(error);
    expect(error.hasErrorLabel('TransientTransactionError')).toBe(true);
  });

  it('with any other error does not', async () => {
    const error = invalid();
    await expect(rerunOnDuplicate(failing(error)())).rejects.toBe(error);
    expect(error.hasErrorLabel('TransientTransactionError')).toBe(false);
  });
});
