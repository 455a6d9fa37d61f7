// R1, told and not judged: what supervisors' connections missed between two resumes that were said to be complete.
import type { Watched } from '../workload/watcher.ts';
import type { Evidence } from './evidence.ts';

export interface WatchedFigures {
  connections: number;
  events: number;
  incomplete_resumes: number;
  /** Events that lie between two that one watcher saw, and that it did not see. */
  missing: number;
}

export function watchedFigures(watchers: readonly Watched[], { outbox }: Evidence): WatchedFigures {
  const published = outbox
    .filter(({ event, offset }) => offset !== undefined && event.target_roles.includes('supervisor'))
    .sort((a, b) => a.epoch! - b.epoch! || a.offset! - b.offset!)
    .map(({ epoch, offset }) => `${epoch}-${offset}`);
  const places = new Map(published.map((id, index) => [id, index]));
  const figures = { connections: 0, events: 0, incomplete_resumes: 0, missing: 0 };
  for (const { segments, connections, incompleteResumes } of watchers) {
    figures.connections += connections;
    figures.incomplete_resumes += incompleteResumes;
    for (const ids of segments) {
      const seen = new Set(ids.flatMap((id) => places.get(id) ?? []));
      figures.events += seen.size;
      const [first, last] = [Math.min(...seen), Math.max(...seen)];
      if (seen.size > 0) figures.missing += last - first + 1 - seen.size;
    }
  }
  return figures;
}
