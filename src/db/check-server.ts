import { MongoServerError } from 'mongodb';
import type { MongoFacts } from '../domain/startup/judge-mongo.ts';
import type { Database } from './database.ts';
import { type AnalyticsSettings, findChangedSettings } from './variance/analytics-settings.ts';

const MAX_TIME_MS = 5_000;
/** The quickest of a few answers says most about the clock. */
const CLOCK_READINGS = 3;
/** Unauthorized, AuthenticationFailed. */
const LOGIN_REFUSED = [13, 18];

/** Asks the server what `judgeMongo` wants to know. Writes nothing; throws when it does not answer. */
export async function loadMongoFacts(database: Database): Promise<MongoFacts> {
  const { version } = await database.db.admin().command({ buildInfo: 1, maxTimeMS: MAX_TIME_MS });
  return {
    version: typeof version === 'string' ? version : undefined,
    transactionProblem: await findTransactionProblem(database),
    ...(await readClock(database)),
  };
}

async function findTransactionProblem(database: Database): Promise<string | undefined> {
  const session = database.client.startSession();
  try {
    session.startTransaction({ readConcern: { level: 'snapshot' } });
    await database.settings.findOne({ _id: 'clock' }, { session, maxTimeMS: MAX_TIME_MS });
    await session.commitTransaction();
    return undefined;
  } catch (error) {
    // An answer that never came, or a login that was refused, says nothing about transactions.
    if (!(error instanceof MongoServerError) || LOGIN_REFUSED.includes(Number(error.code))) throw error;
    return error.message;
  } finally {
    await session.endSession();
  }
}

async function readClock(
  database: Database,
): Promise<Pick<MongoFacts, 'clockOffsetMs' | 'clockUncertaintyMs'>> {
  const readings = [];
  for (let reading = 0; reading < CLOCK_READINGS; reading++) {
    const startedAt = Date.now();
    const { localTime } = await database.db.admin().command({ hello: 1 });
    const endedAt = Date.now();
    readings.push({
      clockOffsetMs: (localTime as Date).getTime() - (startedAt + endedAt) / 2,
      clockUncertaintyMs: (endedAt - startedAt) / 2,
    });
  }
  return readings.reduce((best, each) => (each.clockUncertaintyMs < best.clockUncertaintyMs ? each : best));
}

/**
 * The settings of the stored analytics where they differ from the given ones. Unlike `findChangedSettings`
 * it stores nothing on a new database, so that looking does not decide.
 */
export async function peekChangedSettings(
  database: Database,
  settings: AnalyticsSettings,
): Promise<AnalyticsSettings | undefined> {
  const isStored = await database.settings.findOne({ _id: 'analytics' }, { maxTimeMS: MAX_TIME_MS });
  return isStored ? findChangedSettings(database, settings) : undefined;
}
