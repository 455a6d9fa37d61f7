import { MongoServerError } from 'mongodb';

const DUPLICATE_KEY = 11_000;
const MAX_RUNS = 5;

/**
 * Runs a whole transaction again when it met a duplicate key: somebody else inserted the same row since its
 * snapshot, and the next one shows it. A duplicate that stays is thrown after five runs.
 */
export async function againOnDuplicate<T>(transaction: () => Promise<T>): Promise<T> {
  for (let run = 1; ; run += 1) {
    try {
      return await transaction();
    } catch (error) {
      const duplicate = error instanceof MongoServerError && error.code === DUPLICATE_KEY;
      if (!duplicate || run >= MAX_RUNS) throw error;
    }
  }
}
