// The people, their phones and their tokens; the story begins with what this returns.
import { type Api, apiOf, signToken } from './api.ts';
import type { Calendar } from './calendar.ts';
import { createClaims } from './claims.ts';
import type { Demo } from './demo.ts';
import { createNetwork, emptyTally } from './network.ts';
import { openPhone, type Phone } from './phones.ts';
import { randomFrom } from './random.ts';
import { step } from './say.ts';
import { watch } from './supervisor.ts';
import type { Surroundings, Undo } from './surroundings.ts';
import { makeItems } from './warehouse.ts';

export interface Tokens {
  supervisor: string;
  admin: string;
}

export async function prepare(
  surroundings: Surroundings,
  calendar: Calendar,
  seed: number,
  undo: Undo,
): Promise<{ demo: Demo; tokens: Tokens }> {
  const { engine, jwtSecret, folder, database } = surroundings;
  const { url } = engine;
  const tokens = {
    supervisor: await signToken(jwtSecret, 'supervisor-1', 'supervisor'),
    admin: await signToken(jwtSecret, 'admin-1', 'admin'),
  };
  const tally = emptyTally();
  const phone = async (number: number): Promise<Phone> => {
    const [name, user] = [`phone-${number}`, `staff-${number}`];
    const token = await signToken(jwtSecret, user, 'staff');
    const opened = await openPhone({ name, user, token, folder, url, network: createNetwork(tally) });
    undo.add(`closing ${name}`, opened.close);
    return opened;
  };
  const watcher = await watch(url, tokens.supervisor);
  undo.add('closing the WebSocket', watcher.close);
  step('supervisor-1', 'watches over WebSocket: welcome');

  const random = randomFrom(seed);
  const api = (token: string): Api => apiOf(url, token);
  const demo: Demo = {
    calendar,
    random,
    claims: createClaims(),
    items: makeItems(random),
    database,
    engineEnv: engine.env,
    supervisor: api(tokens.supervisor),
    admin: api(tokens.admin),
    watcher,
    phones: { first: await phone(1), second: await phone(2), third: await phone(3) },
    tally,
    sessions: {
      hall: `${calendar.today}-hall`,
      returns: `${calendar.today}-returns`,
      late: `${calendar.closedDay}-cold-store`,
    },
  };
  return { demo, tokens };
}
