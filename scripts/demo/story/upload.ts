// The phones find the network: too early, half-way, with a lost answer, and with counts that contradict.
import type { Demo } from '../demo.ts';
import { plural, step } from '../say.ts';
import { conflictIn, lockIn } from '../supervisor.ts';
import { COUNTED_BY_THIRD, COUNTED_DIFFERENTLY, type OfflineWork, SENT_TOO_EARLY } from './count-offline.ts';

export async function upload(demo: Demo, work: OfflineWork): Promise<void> {
  await tooEarly(demo);
  await work.countRest();
  await cutOff(demo);
  await answerLost(demo);
  await correctMistyped(demo, work);
  await contradict(demo);
  await recountLocked(demo, work);
}

async function tooEarly({ phones: { second }, claims }: Demo): Promise<void> {
  const { waiting } = await second.sync();
  claims.equal('counts of an unknown session are to be retried', waiting, SENT_TOO_EARLY);
  step(second.name, `sends ${waiting}: retry, the session is still on phone-1; they wait on the phone`);
}

async function cutOff({ phones: { first }, claims }: Demo): Promise<void> {
  first.network.break('cut_off');
  const broken = await first.sync();
  claims.equal('a cut upload leaves the phone offline', broken.state, 'offline');
  step(first.name, 'its upload is cut off half-way: every row stays on the phone');
  const { synced } = await first.sync();
  const left = await first.queue.list();
  claims.equal('the first phone is empty after its resumed upload', left.length, 0);
  step(first.name, `resumes under the same batch id: ${plural(synced, 'operation')} applied`);
}

async function answerLost({ phones: { third }, sessions, supervisor, claims }: Demo): Promise<void> {
  third.network.break('answer_lost');
  await third.sync();
  step(third.name, 'its upload arrives, the answer is lost');
  const { synced, failed } = await third.sync();
  claims.equal('one mistyped count is rejected', failed, 1);
  const lines = await supervisor.get<{ total: number }>(`/api/sessions/${sessions.returns}/lines`);
  claims.equal('a batch that was sent twice is stored once', lines.total, COUNTED_BY_THIRD);
  const [rejected] = await third.queue.list({ status: 'failed' });
  step(
    third.name,
    `sends the same batch again: ${synced} applied, stored once (${plural(lines.total, 'line')}); ` +
      `1 rejected: ${rejected?.code}`,
  );
}

async function correctMistyped(
  { phones: { third }, sessions, claims }: Demo,
  work: OfflineWork,
): Promise<void> {
  const { item, quantity } = work.mistyped;
  await third.count(sessions.returns, item.item_code, quantity, new Date());
  const { synced } = await third.sync();
  claims.equal('the corrected count is applied', synced, 1);
  step(third.name, `${third.user} reads why and types ${quantity}: applied`);
}

async function contradict({ phones: { first, second }, watcher, claims, supervisor }: Demo): Promise<void> {
  const { synced, conflict } = await second.syncWhenDue();
  claims.equal('each different result is a conflict', conflict, COUNTED_DIFFERENTLY);
  const { total } = await supervisor.get<{ total: number }>('/api/locks');
  claims.equal('each conflict locks its item', total, COUNTED_DIFFERENTLY);
  step(
    second.name,
    `its rows are due again: ${synced} applied, ${plural(conflict, 'conflict')} with what ${first.user} counted`,
  );
  const seen = await watcher.waitFor('a conflict', (event) => conflictIn(event)?.state === 'pending');
  const lock = await watcher.waitFor(
    'its lock',
    (event) => lockIn(event)?.state === 'locked' && event.payload.entity_id === seen.payload.entity_id,
  );
  step(
    'supervisor-1',
    `sees it live: ${seen.payload.entity_id} in conflict and locked (fence ${lockIn(lock)?.fence}), ` +
      `${plural(total, 'lock')} in all`,
  );
}

async function recountLocked(
  { phones: { first }, sessions, claims }: Demo,
  work: OfflineWork,
): Promise<void> {
  const item = work.disputed[0]!;
  // More than anybody found before: a recount with the line's own value would not contradict anything.
  await first.count(sessions.hall, item.item_code, item.stock_qty * 2 + 10, new Date());
  const { conflict } = await first.sync();
  const [row] = await first.queue.list({ status: 'conflict' });
  claims.equal('a recount of a locked item joins the conflict', [conflict, row?.code], [1, 'lock_conflict']);
  step(first.name, `${first.user} recounts ${item.item_code}, which is locked: ${row?.code}`);
}
