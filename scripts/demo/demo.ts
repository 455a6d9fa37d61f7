// What every step of the story works with.
import type { Database } from '../../src/db/database.ts';
import type { Api } from './api.ts';
import type { Calendar } from './calendar.ts';
import type { Claims } from './claims.ts';
import type { Tally } from './network.ts';
import type { Phone } from './phones.ts';
import type { Random } from './random.ts';
import type { Watcher } from './supervisor.ts';
import type { StockItem } from './warehouse.ts';

export interface Demo {
  calendar: Calendar;
  random: Random;
  claims: Claims;
  items: readonly StockItem[];
  /** For what the demo plays itself (the ERP, the past) and for counting what was committed. */
  database: Database;
  engineEnv: NodeJS.ProcessEnv;
  supervisor: Api;
  admin: Api;
  watcher: Watcher;
  phones: { first: Phone; second: Phone; third: Phone };
  /** Over all phones. */
  tally: Tally;
  sessions: { hall: string; returns: string; late: string };
}
